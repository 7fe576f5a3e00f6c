#!/usr/bin/env node
import { runStepCommand, scoreModelStep } from 'esteira'

await runStepCommand(scoreModelStep)
