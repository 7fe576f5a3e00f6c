#!/usr/bin/env node
import { runStepCommand, trainModelStep } from 'esteira'

await runStepCommand(trainModelStep)
