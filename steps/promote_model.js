#!/usr/bin/env node
import { promoteModelStep } from '@esteira/training-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(promoteModelStep)
