import { GatewayError, systemCodeOf } from '@guichet/core'

/** A connection that did not come to be: nothing of any request has left the machine. */
export class ConnectFailure extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
    this.name = 'ConnectFailure'
  }
}

/** What a failed exchange with a host is to the rest of the gateway, by the contract of `Exchange`. */
export function failureOf(failure: unknown, host: string, signal: AbortSignal | undefined): GatewayError {
  if (failure instanceof GatewayError) return failure
  if (failure instanceof ConnectFailure) return unconnected(failure.cause, host)
  const code = systemCodeOf(failure)
  if (signal?.aborted === true || code === 'UND_ERR_ABORTED') {
    return new GatewayError('cancelled', `the request to ${host} was cancelled`, { cause: failure })
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new GatewayError('unavailable', 'the gateway is stopping', { cause: failure })
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return GatewayError.from(failure)
  }
  return new GatewayError('upstream-down', `${host} ended the exchange early (${reasonOf(failure, code)})`, {
    hint: 'try again in a minute; `guichet status` shows what is known of 1fichier',
    facts: { host, reason: reasonOf(failure, code) },
    cause: failure,
  })
}

function unconnected(cause: unknown, host: string): GatewayError {
  if (cause instanceof GatewayError) return cause
  const code = systemCodeOf(cause)
  const reason = reasonOf(cause, code)
  const isTls = code !== undefined && /CERT|SSL|TLS|ISSUER|SIGNATURE/.test(code)
  return new GatewayError('upstream-down', `${host} cannot be reached (${reason})`, {
    hint: isTls
      ? 'somebody else answers in its place, or the clock is wrong; $GUICHET_UPSTREAM_CA names an authority of your own'
      : 'check the network of the machine of the gateway',
    facts: { host, reason, sent: false },
    cause,
  })
}

function reasonOf(failure: unknown, code: string | undefined): string {
  if (code !== undefined && code !== 'UND_ERR_SOCKET') return code
  return failure instanceof Error ? failure.message.slice(0, 100) : 'no reason given'
}
