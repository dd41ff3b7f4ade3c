import { GatewayError, type PacedCall } from '@guichet/core'
import type { Forecast } from './forecast.ts'

/** The caller would wait longer than it wants, or the line is full. */
export function tooLate(call: PacedCall, wait: Forecast, isFull: boolean): GatewayError {
  const facts = { endpoint: call.endpoint, reason: wait.reason }
  const when = `in ${Math.ceil(wait.waitMs / 1_000)} s`
  if (wait.for === 'lock') {
    return new GatewayError('locked', `1fichier takes no calls for now: ${wait.reason}`, {
      hint: `try again ${when}; nothing is sent until then`,
      retryAfterMs: wait.waitMs,
      facts,
    })
  }
  const why = isFull
    ? 'too many calls wait for 1fichier'
    : `1fichier's limits let ${call.endpoint} go ${when}`
  return new GatewayError('paced', `${why} (${wait.reason})`, {
    hint: `try again ${when}; \`guichet status\` shows what waits`,
    retryAfterMs: wait.waitMs,
    facts,
  })
}

/** A permanent refusal stands: no machine asks again. */
export function accountStopped(reason: string): GatewayError {
  return new GatewayError('account-refused', `nothing is sent to 1fichier: ${reason}`, {
    hint: 'mend the cause at 1fichier, then run `guichet resume`',
  })
}

export function cancelled(signal: AbortSignal): GatewayError {
  return new GatewayError('cancelled', 'the request was cancelled', { cause: signal.reason })
}

export function schedulerClosed(): GatewayError {
  return new GatewayError('unavailable', 'the gateway is stopping', { hint: 'try again when it runs' })
}
