#!/usr/bin/env node
import { detectDriftStep, runStepCommand } from 'esteira'

await runStepCommand(detectDriftStep)
