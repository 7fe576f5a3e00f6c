import type { StepScope } from './step.js'

/** A table at the snapshot that a run reads. */
export interface TableInRun {
  readonly table: string
  /** Undefined while the table holds nothing. */
  readonly snapshotId: string | undefined
}

/**
 * A table as a step of this run left it, whatever happened to it since; as it stands now when that step is no part of the run.
 * All later steps read through this, so that a run is consistent and can be repeated.
 */
export async function tableInRun(scope: StepScope, table: string, writtenBy: string): Promise<TableInRun> {
  const result = await scope.findResult(writtenBy)
  const written = result?.wrote?.tables?.find((candidate) => candidate.table === table)
  if (written !== undefined) return { table, snapshotId: written.snapshotId ?? undefined }
  return { table, snapshotId: (await (await scope.workspace.lakehouse()).table(table))?.snapshotId }
}
