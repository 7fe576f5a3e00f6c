#!/usr/bin/env node
import { checkReadinessStep, runStepCommand } from 'esteira'

await runStepCommand(checkReadinessStep)
