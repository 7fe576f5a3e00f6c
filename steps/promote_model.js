#!/usr/bin/env node
import { promoteModelStep, runStepCommand } from 'esteira'

await runStepCommand(promoteModelStep)
