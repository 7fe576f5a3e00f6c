#!/usr/bin/env node
import { notifyStep, runStepCommand } from 'esteira'

await runStepCommand(notifyStep)
