import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { readRetryAfter, TemporaryFailure } from './retry.js'

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly text: string
}

/** What was asked, as it may stand in a message. */
export interface Asked {
  readonly server: string
  readonly method: string
  readonly path: string
}

const TEMPORARY_STATUSES = [408, 429, 500, 502, 503, 504]
const errorBody = z.object({ error_code: z.string(), message: z.string().default('') })

/** The JSON of a good answer. Some versions say nothing, or `200 OK`, when there is nothing to say. */
export function readJson(answer: Answer, asked: Asked): unknown {
  const text = answer.text.trim()
  if (text === '' || text === '200 OK') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_MLFLOW', `${describe(asked)} answered with no JSON but ${kind(answer)}`, {
      hint: 'Check MLFLOW_TRACKING_URI: another program, a proxy or a login page may answer at this address.',
      details: { ...asked, status: answer.status, contentType: answer.contentType },
      cause,
    })
  }
}

/** The error of an answer whose status is not 2xx; a {@link TemporaryFailure} when another try may mend it. */
export function toFailure(answer: Answer, asked: Asked, nowMs: number): EsteiraError | TemporaryFailure {
  const { status } = answer
  const { errorCode, message } = readError(answer)
  const text = `${describe(asked)} answered ${status}${errorCode === '' ? '' : ` ${errorCode}`}: ${message}`
  const details = { ...asked, status, errorCode }
  if (TEMPORARY_STATUSES.includes(status)) {
    const failure = new EsteiraError('ESTEIRA_MLFLOW_UNAVAILABLE', text, {
      hint: 'The server is overloaded or restarting. Run the same command again later.',
      details,
    })
    return new TemporaryFailure(failure, readRetryAfter(answer.retryAfter, nowMs))
  }
  if (status === 401) {
    return new EsteiraError('ESTEIRA_ACCESS_DENIED', text, {
      hint: 'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.',
      details,
    })
  }
  if (status === 403) {
    return new EsteiraError('ESTEIRA_ACCESS_DENIED', text, {
      hint: /host header/i.test(message)
        ? 'The server does not know itself by this name. Start it with --allowed-hosts and this host name.'
        : 'Ask the owner of the MLflow server for the permission.',
      details,
    })
  }
  return new EsteiraError('ESTEIRA_MLFLOW', text, {
    ...(errorCode === '' ? { hint: 'Check MLFLOW_TRACKING_URI: is it an MLflow server of version 3?' } : {}),
    details,
  })
}

function readError(answer: Answer): { readonly errorCode: string; readonly message: string } {
  try {
    const { error_code: errorCode, message } = errorBody.parse(JSON.parse(answer.text))
    return { errorCode, message: shorten(message) }
  } catch {
    const isText = answer.contentType.startsWith('text/plain') || answer.contentType === ''
    return { errorCode: '', message: isText ? shorten(answer.text) : kind(answer) }
  }
}

/** MLflow's code of an error, such as `RESOURCE_DOES_NOT_EXIST`. */
export function errorCodeOf(error: unknown): string | undefined {
  const code = error instanceof EsteiraError ? error.details['errorCode'] : undefined
  return typeof code === 'string' ? code : undefined
}

export function describe(asked: Asked): string {
  return `MLflow at ${asked.server} (${asked.method} ${asked.path})`
}

function kind(answer: Answer): string {
  if (answer.contentType.includes('html')) return 'an HTML page'
  return answer.contentType === '' ? 'some text' : answer.contentType
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}
