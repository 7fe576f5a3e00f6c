#!/usr/bin/env node
import { scoreModelStep } from '@esteira/inference-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(scoreModelStep)
