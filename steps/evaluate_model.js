#!/usr/bin/env node
import { evaluateModelStep, runStepCommand } from 'esteira'

await runStepCommand(evaluateModelStep)
