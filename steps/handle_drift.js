#!/usr/bin/env node
import { handleDriftStep, runStepCommand } from 'esteira'

await runStepCommand(handleDriftStep)
