import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = [
  'core',
  'statistics',
  'lakehouse',
  'mlflow',
  'models',
  'feature-pipeline',
  'training-pipeline',
  'inference-pipeline',
  'monitoring',
  'deploy',
]

// Tests of one package run on its sources; the e2e tests run what users run, the built packages.
const sources = Object.fromEntries([
  ...packages.map((name) => [
    `@esteira/${name}`,
    fileURLToPath(new URL(`packages/${name}/src/index.ts`, import.meta.url)),
  ]),
  ['esteira', fileURLToPath(new URL('packages/esteira/src/index.ts', import.meta.url))],
])

const common = { testTimeout: 60_000, hookTimeout: 300_000, pool: 'forks' as const }

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        resolve: { alias: sources },
        test: { ...common, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**', 'test/real/**'] },
      },
      { test: { ...common, name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: { ...common, name: 'real', include: ['test/real/**/*.test.ts'], testTimeout: 600_000 },
      },
    ],
  },
})
