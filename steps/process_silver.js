#!/usr/bin/env node
import { processSilverStep } from '@esteira/feature-pipeline'
import { runStepCommand } from 'esteira/step'

await runStepCommand(processSilverStep)
