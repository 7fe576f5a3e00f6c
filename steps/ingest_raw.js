#!/usr/bin/env node
import { ingestRawStep, runStepCommand } from 'esteira'

await runStepCommand(ingestRawStep)
