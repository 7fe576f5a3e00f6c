#!/usr/bin/env node
import { processSilverStep, runStepCommand } from 'esteira'

await runStepCommand(processSilverStep)
