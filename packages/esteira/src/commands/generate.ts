import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EsteiraError, type Logger } from '@esteira/core'
import { loadProject } from '../load-project.js'
import { parseRunDate, today } from '../run-date.js'

export interface GenerateCommand {
  readonly project: string
  readonly rows: number
  readonly out: string
  readonly seed?: number
  /** The data end before this day; default today. */
  readonly until?: string
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** `esteira generate`: sample data of a project that declares a generator. The same rows, seed and end give the same bytes. */
export async function generateCommand(command: GenerateCommand): Promise<string> {
  const { definition, folder } = await loadProject(command.project)
  const { generator } = definition
  if (generator === undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', `project ${folder} declares no generator`, {
      hint: 'Give it real data with --source FILE, or add generator: to defineProject in its project.ts.',
    })
  }
  const { rows } = command
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new EsteiraError('ESTEIRA_USAGE', `--rows: expected a whole number from 1, found ${rows}`)
  const until = parseRunDate(command.until ?? today(new Date()))
    .toISOString()
    .slice(0, 10)
  await mkdir(command.out, { recursive: true })
  const path = join(command.out, basename(definition.view.from.path))
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const pieces = generator({ rows, seed: command.seed ?? definition.seed, until })
    await pipeline(Readable.from(withProgress(pieces, rows, command.logger)), createWriteStream(temporary), {
      signal: command.signal,
    })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  return path
}

function* withProgress(pieces: Iterable<string>, rows: number, logger: Logger): Generator<string> {
  let done = 0
  for (const piece of pieces) {
    for (let at = piece.indexOf('\n'); at !== -1; at = piece.indexOf('\n', at + 1)) done++
    logger.progress('generating', Math.min(done, rows), rows)
    yield piece
  }
}
