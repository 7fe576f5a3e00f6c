#!/usr/bin/env node
import { prepareTrainingDataStep, runStepCommand } from 'esteira'

await runStepCommand(prepareTrainingDataStep)
