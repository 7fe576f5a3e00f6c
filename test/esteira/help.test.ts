import { afterEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../packages/esteira/src/command-line.js'

afterEach(() => vi.restoreAllMocks())

/** What `--help` of a command prints. */
async function helpOf(...command: readonly string[]): Promise<string> {
  let text = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  await main([...command, '--help'])
  vi.restoreAllMocks()
  return text
}

/** Names of the sub-commands, with what is said of each. */
function commandsIn(help: string): [string, string][] {
  const [, list = ''] = help.split('\nCommands:\n')
  const lines = list.replaceAll(/\n {10,}/g, ' ').split('\n')
  return lines.flatMap((line) => {
    const [, name, about = ''] = /^ {2}([\w-]+)(?: [[<][^ ]*)*(?: {2,}(.*))?$/.exec(line) ?? []
    return name === undefined || name === 'help' ? [] : [[name, about]]
  })
}

describe('--help', () => {
  it('says of each command what it does', async () => {
    const commands = commandsIn(await helpOf())
    expect(commands.map(([name]) => name)).toEqual(expect.arrayContaining(['run', 'tables', 'models', 'synth']))
    expect(commands.filter(([, about]) => about === '')).toEqual([])
  })

  it.each(['tables', 'models'])('says of each command of %s what it does', async (group) => {
    const commands = commandsIn(await helpOf(group))
    expect(commands.length).toBeGreaterThan(2)
    expect(commands.filter(([, about]) => about === '')).toEqual([])
  })
})
