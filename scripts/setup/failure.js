// How set-up says what failed: the reason, the next step, and the exit code of the step contract.

/** A failure that a person can mend. The message says what failed and what to do; no stack trace is shown. */
export class SetupFailure extends Error {
  /**
   * @param {string} message
   * @param {64 | 70 | 75} exitCode 64 the machine lacks something, 70 a defect, 75 try again
   * @param {string} hint what to do next
   */
  constructor(message, exitCode, hint) {
    super(message)
    this.name = 'SetupFailure'
    this.exitCode = exitCode
    this.hint = hint
  }
}

const NETWORK =
  /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|name resolution|Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|from versions: none/i
const DISK = /ENOSPC|No space left on device/i

/**
 * The failure that fits what a package tool (npm, pip) printed.
 *
 * @param {string} what the job in words, e.g. `npm ci`
 * @param {string} output everything the tool printed
 * @param {string} hint what to do when the output names no known cause
 */
export function packageToolFailure(what, output, hint) {
  if (DISK.test(output))
    return new SetupFailure(`${what} failed: the disk is full`, 75, 'Free some space, then run it again.')
  if (NETWORK.test(output)) {
    return new SetupFailure(
      `${what} failed: the package index could not be reached`,
      75,
      'Check the network and the proxy settings (HTTPS_PROXY, npm config, pip config), then run it again.',
    )
  }
  return new SetupFailure(`${what} failed:\n${lastLines(output, 12)}`, 70, hint)
}

/**
 * The last lines that say something, without addresses: they may hold credentials.
 *
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  const lines = text.split('\n').map((line) => line.trimEnd())
  return lines
    .filter((line) => line !== '')
    .slice(-count)
    .map((line) => `  ${line.replace(/\b[a-z+]+:\/\/\S+/gi, '<address>')}`)
    .join('\n')
}
