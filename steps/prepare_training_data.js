#!/usr/bin/env node
import { prepareTrainingDataStep } from '@esteira/training-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(prepareTrainingDataStep)
