import type { ChurnLabel, FeatureView, Frame, SourceDefinition } from '@esteira/core'

/** A view, by its definition or by its name, and how it is joined. */
export interface ViewRequest {
  /** The definition (its own version is read), or the name (the newest version, or `version`). */
  readonly view: FeatureView | string
  /** Which definition of the view: its rows live beside those of the others. */
  readonly version?: number
  /** Default: all features of the view. */
  readonly features?: readonly string[]
  /** A feature row older than this many days counts for nothing. Default: `ttlDays` of the view, else any age. */
  readonly ttlDays?: number
  /** Put before the names of the features: two views may have features of one name. */
  readonly prefix?: string
  /** Column of the spine that names the entity of the view. Default: the column of the view's own name. */
  readonly entity?: string
  /** Reads the feature table at this snapshot. Default: as it stands now, or stood at `knownAt`. */
  readonly snapshotId?: string
}

/** Rows to put features to: an entity and a time each, with whatever else shall stay beside them. */
export type Spine =
  /** A SELECT in Athena's dialect over the lakehouse. */
  | { readonly query: string; readonly time?: string }
  /** Columns held in memory. */
  | { readonly frame: Frame; readonly time?: string }

/** A label as the spine: who is at risk at each date, and what became of them. */
export interface ChurnLabels {
  readonly label: ChurnLabel
  /** The source whose events say who stayed, and its silver table. */
  readonly from: SourceDefinition
  readonly events: string
  /** Days `YYYY-MM-DD`, each with a label that is known. */
  readonly dates: readonly string[]
  /** Reads the events at this snapshot. */
  readonly snapshotId?: string
}

export interface TrainingSetRequest {
  /** One of both: rows of your own, or a label. */
  readonly spine?: Spine
  readonly labels?: ChurnLabels
  readonly views: readonly (FeatureView | string | ViewRequest)[]
  /**
   * Day `YYYY-MM-DD` after which no feature row is used, whatever the time of the spine's row; the one day of all rows where
   * the spine has no time.
   */
  readonly asOf?: string
  /** Every table is read as its snapshot stood at this moment: later corrections and backfills change nothing. */
  readonly knownAt?: Date
  /**
   * Compute the features anew, at the days of the spine, from source rows ingested up to `knownAt`: for moments before the first
   * snapshot, or of snapshots that have expired.
   */
  readonly recompute?: boolean
  /** Rows for which some view has no usable row: `keep` (default) leaves the features null, `drop` leaves the row out. */
  readonly missing?: 'keep' | 'drop'
  /** Tags the snapshots that were read, so that `expire` keeps them. Not needed to read the set itself. */
  readonly pin?: boolean
  /** For people: what the set is. */
  readonly name?: string
  readonly signal?: AbortSignal
}
