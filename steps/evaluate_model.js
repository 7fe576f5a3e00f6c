#!/usr/bin/env node
import { evaluateModelStep } from '@esteira/training-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(evaluateModelStep)
