#!/usr/bin/env node
import { extractFeaturesStep, runStepCommand } from 'esteira'

await runStepCommand(extractFeaturesStep)
