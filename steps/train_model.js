#!/usr/bin/env node
import { trainModelStep } from '@esteira/training-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(trainModelStep)
