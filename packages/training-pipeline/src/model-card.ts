import { METRICS } from '@esteira/core'
import type { BinaryEvaluation } from '@esteira/statistics'
import type { Evaluation } from './evaluate-model.js'
import type { TrainingSet } from './training-set.js'

export interface ModelCardFacts {
  readonly modelName: string
  readonly modelType: string
  readonly description: string
  readonly owner: string
  readonly hyperparameters: Readonly<Record<string, unknown>>
  readonly rounds: number
  readonly set: TrainingSet
  readonly evaluation: Evaluation
  readonly featureImportance: Readonly<Record<string, number>>
  readonly createdAt: Date
  readonly runId: string
  readonly gitCommit?: string
}

/** `model_card.md`: what the model is, what it learnt from, how good it is beside what, and what it must not be used for. */
export function modelCard(facts: ModelCardFacts): string {
  const { set, evaluation } = facts
  const parts = Object.entries(set.parts).map(([name, rows]) => `| ${name} | ${rows.length.toLocaleString('en-US')} |`)
  const columns: readonly (readonly [string, BinaryEvaluation])[] = [
    ['model', evaluation.test],
    ...Object.entries(evaluation.baselines),
  ]
  const importance = Object.entries(facts.featureImportance)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 15)
    .map(([name, value]) => `| ${name} | ${value.toPrecision(4)} |`)
  return [
    `# ${facts.modelName}`,
    '',
    facts.description === '' ? `Predicts \`${set.labelName}\`.` : facts.description,
    '',
    `- Algorithm: ${facts.modelType}, ${facts.rounds} rounds; hyperparameters \`${JSON.stringify(facts.hyperparameters)}\``,
    `- Made: ${facts.createdAt.toISOString()} by run \`${facts.runId}\`${facts.gitCommit === undefined ? '' : `, commit \`${facts.gitCommit}\``}`,
    `- Owner: ${facts.owner === '' ? 'not given' : facts.owner}`,
    `- Training set: \`${set.digest}\`${set.testDate === undefined ? '' : `, test date ${set.testDate}`}`,
    '',
    '## Rows',
    '',
    '| part | rows |',
    '|---|---|',
    ...parts,
    '',
    ...set.notes.map((note) => `- ${note}`),
    '',
    '## Test metrics',
    '',
    `| metric | ${columns.map(([name]) => name).join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
    ...METRICS.map(
      (metric) => `| ${metric} | ${columns.map(([, of]) => of[metric]?.toFixed(4) ?? 'undefined').join(' | ')} |`,
    ),
    '',
    '## Gates',
    '',
    ...evaluation.gates.map(({ gate, passed, reason }) => `- ${passed ? 'passed' : 'failed'}: ${gate} (${reason})`),
    '',
    ...(importance.length === 0
      ? []
      : ['## Features by gain', '', '| feature | gain |', '|---|---|', ...importance, '']),
    '## Limits',
    '',
    'The probabilities hold for the population the model was trained on and while the features keep the distribution of',
    '`reference_profile.json`; monitoring says when they do not. The model finds associations: it does not say what would keep',
    'anybody from leaving.',
    '',
  ].join('\n')
}
