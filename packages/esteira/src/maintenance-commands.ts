import type { StepProcess } from '@esteira/core'
import { type Command, InvalidArgumentError, type Option } from 'commander'

type Act = (step: StepProcess) => Promise<void>

export interface CommandParts {
  readonly choose: (name: string, act: Act) => void
  readonly json: () => Option
}

/** The commands of `esteira tables` that keep tables small, named and undone. */
export function addMaintenanceCommands(tables: Command, { choose, json }: CommandParts): void {
  const load = () => import('./commands/tables-maintenance.js')
  const table = 'e.g. feature_store.customer_features'

  tables
    .command('expire')
    .description('forgets old snapshots and removes the files that only they need; never what a tag or a pin needs')
    .argument('<table>', table)
    .option('--keep-last <n>', 'newest snapshots that stay', count)
    .option('--older-than <age>', 'only those older: 30d, 12h, or YYYY-MM-DD; default 5d without --keep-last')
    .option('--dry-run', 'say what would go, and do nothing', false)
    .addOption(json())
    .action((name: string, options) =>
      choose('tables expire', async () => (await load()).expireTable({ name, ...options })),
    )

  tables
    .command('compact')
    .description('writes small files together, applies delete files and merges manifests; rows stay what they are')
    .argument('<table>', table)
    .option('--target-mb <n>', 'size of files to aim at; default 128', count)
    .addOption(json())
    .action((name: string, options) =>
      choose('tables compact', async () => (await load()).compactTable({ name, ...options })),
    )

  tables
    .command('remove-orphans')
    .description('lists files in the folder of a table that nothing needs; removes them with --delete')
    .argument('<table>', table)
    .option('--older-than <age>', 'only files last changed before: 3d, 12h, or YYYY-MM-DD', '3d')
    .option('--delete', 'remove them', false)
    .addOption(json())
    .action((name: string, options) =>
      choose('tables remove-orphans', async () => (await load()).removeOrphans({ name, ...options })),
    )

  tables
    .command('relocate')
    .description('moves a table with its history to another folder')
    .argument('<table>', table)
    .argument('<folder>', 'a new or empty folder')
    .option('--keep-old', 'leave the old files where they are', false)
    .addOption(json())
    .action((name: string, folder: string, options) =>
      choose('tables relocate', async () => (await load()).relocateTable({ name, folder, ...options })),
    )

  tables
    .command('rollback')
    .description('makes an earlier snapshot the current state')
    .argument('<table>', table)
    .argument('<snapshot>', 'its id: see tables snapshots')
    .option('--force', 'also one that the current state was not made from', false)
    .addOption(json())
    .action((name: string, snapshotId: string, options) =>
      choose('tables rollback', async () => (await load()).rollbackTable({ name, snapshotId, ...options })),
    )

  tables
    .command('tag')
    .description('names a snapshot, which then never expires; without a name, lists tags and branches')
    .argument('<table>', table)
    .argument('[tag]', 'e.g. audited-2026-01')
    .option('--snapshot <id>', 'default the current one')
    .option('--drop', 'remove the tag', false)
    .addOption(json())
    .action((name: string, tag: string | undefined, options) =>
      choose('tables tag', async () =>
        (await load()).tagTable({ name, ...(tag === undefined ? {} : { tag }), ...options }),
      ),
    )
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number of at least 1.')
  return Number(text)
}
