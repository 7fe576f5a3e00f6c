#!/usr/bin/env node
import { extractFeaturesStep } from '@esteira/feature-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(extractFeaturesStep)
