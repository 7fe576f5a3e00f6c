#!/usr/bin/env node
import { detectDriftStep } from '@esteira/monitoring'
import { runStepCommand } from 'esteira/step'

await runStepCommand(detectDriftStep)
