#!/usr/bin/env node
import { validateFeaturesStep } from '@esteira/feature-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(validateFeaturesStep)
