#!/usr/bin/env node
import { handleDriftStep } from '@esteira/monitoring'
import { runStepCommand } from 'esteira/step'

await runStepCommand(handleDriftStep)
