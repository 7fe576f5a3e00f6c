import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '@esteira/core'
import { stateMachine } from '@esteira/deploy'
import { checkStepFiles, stepsFolder } from '../step-files.js'

/** `esteira synth`: the state machine of each workflow as Amazon States Language, `<workflow>.asl.json`. */
export async function synthCommand(options: { readonly project: string; readonly out: string }): Promise<string[]> {
  const config = await readConfig(options.project)
  await checkStepFiles(options.project, [...config.workflows.values()], stepsFolder())
  await mkdir(options.out, { recursive: true })
  const files: string[] = []
  for (const workflow of config.workflows.keys()) {
    const path = join(options.out, `${workflow}.asl.json`)
    await writeFile(path, `${JSON.stringify(stateMachine(config, workflow, {}), null, 2)}\n`)
    files.push(path)
  }
  return files
}
