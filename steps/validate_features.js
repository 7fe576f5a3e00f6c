#!/usr/bin/env node
import { runStepCommand, validateFeaturesStep } from 'esteira'

await runStepCommand(validateFeaturesStep)
