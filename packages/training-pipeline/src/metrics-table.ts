import type { Evaluation } from './evaluate-model.js'

/** The metrics people look at first, a line each, the model beside what it must beat. */
export function metricsTable(evaluation: Evaluation): string[] {
  const columns = [
    ['model', evaluation.test] as const,
    ...Object.entries(evaluation.baselines),
    ...(evaluation.live.kind === 'compared'
      ? [[`live v${evaluation.live.version}`, evaluation.live.metrics] as const]
      : []),
  ]
  const cell = (text: string, name: string) => `  ${text.padStart(Math.max(name.length, 6))}`
  return [
    `${''.padEnd(8)}${columns.map(([name]) => cell(name, name)).join('')}`,
    ...(['roc_auc', 'pr_auc', 'accuracy', 'f1', 'log_loss'] as const).map(
      (metric) =>
        `${metric.padEnd(8)}${columns.map(([name, of]) => cell(of[metric]?.toFixed(4) ?? '-', name)).join('')}`,
    ),
  ]
}
