#!/usr/bin/env node
import { ingestRawStep } from '@esteira/feature-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(ingestRawStep)
