// Adds up vitest's JSON reports and prints `N passed, N failed`, alone on a line: node scripts/count-tests.js REPORT…
import { existsSync, readFileSync } from 'node:fs'

/**
 * A test file that could not be loaded counts as one failure, and so does a report that is not there: its run broke.
 *
 * @param {string} path
 * @returns {{ passed: number, failed: number }}
 */
function countReport(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1 }
  /** @type {{ numPassedTests: number, numFailedTests: number, testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  const report = JSON.parse(readFileSync(path, 'utf8'))
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length }
}

const counts = process.argv.slice(2).map(countReport)
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
