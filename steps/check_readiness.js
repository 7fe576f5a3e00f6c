#!/usr/bin/env node
import { checkReadinessStep } from '@esteira/training-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(checkReadinessStep)
