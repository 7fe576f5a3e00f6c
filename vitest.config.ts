import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = fileURLToPath(new URL('packages', import.meta.url))

// Tests of one package run on its sources; the e2e tests run what users run, the built packages.
const sources = Object.fromEntries(
  readdirSync(packages).map((name) => [
    name === 'esteira' ? name : `@esteira/${name}`,
    `${packages}/${name}/src/index.ts`,
  ]),
)

// Native libraries live in a test's process, so each file gets a process of its own, as many at a time as small
// machines have cores. A test that fails sometimes is a defect: nothing is tried twice.
const common = { testTimeout: 60_000, hookTimeout: 300_000, pool: 'forks' as const, retry: 0 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        resolve: { alias: sources },
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/real/**', 'test/java/**'],
        },
      },
      {
        resolve: { alias: sources },
        test: { ...common, name: 'java', include: ['test/java/**/*.test.ts'], testTimeout: 300_000 },
      },
      { test: { ...common, name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 300_000 } },
      { test: { ...common, name: 'real', include: ['test/real/**/*.test.ts'], testTimeout: 600_000 } },
    ],
  },
})
