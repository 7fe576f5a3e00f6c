import type { SourceDefinition } from './source.js'
import type { FeatureView } from './view.js'

/** Project names may hold `-`, table names may not. */
function word(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
}

/** Names of the tables that pass from room to room. */
export const tableNames = {
  bronze: (project: string, source: SourceDefinition) => `bronze.${word(project)}_${source.name}`,
  silver: (project: string, source: Pick<SourceDefinition, 'name'>) => `silver.${word(project)}_${source.name}`,
  quarantine: (project: string, source: SourceDefinition) => `quarantine.${word(project)}_${source.name}`,
  features: (view: FeatureView) => `feature_store.${view.name}`,
  statistics: (view: FeatureView) => `feature_store.${view.name}_statistics`,
  predictions: (modelName: string) => `predictions.${word(modelName)}`,
} as const
