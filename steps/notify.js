#!/usr/bin/env node
import { notifyStep } from '@esteira/monitoring'
import { runStepCommand } from 'esteira/step'

await runStepCommand(notifyStep)
