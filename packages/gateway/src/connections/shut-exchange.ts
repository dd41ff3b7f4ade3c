import { type Exchange, GatewayError, type HttpResponse } from '@guichet/core'

/**
 * The way to 1fichier that needs no key, shut as long as the keyholder is sealed: who seals wants silence, not only that
 * the key is safe. `isSealed` is asked before each request, so that a seal past the gateway counts as well.
 */
export function shutWhileSealed(
  exchange: Exchange,
  isSealed: () => Promise<boolean>,
): {
  readonly exchange: Exchange
  /** Cuts what is under way, in effect when it returns. */
  shut(): void
} {
  const flights = new Set<AbortController>()
  return {
    async exchange(request) {
      const flight = new AbortController()
      flights.add(flight)
      const ended = (): void => void flights.delete(flight)
      try {
        if ((await isSealed()) || flight.signal.aborted) throw sealed(false)
        const signals = request.signal === undefined ? [flight.signal] : [request.signal, flight.signal]
        const answer = await exchange({ ...request, signal: AbortSignal.any(signals) })
        return { ...answer, body: cuttable(answer.body, flight.signal, ended) }
      } catch (failure) {
        ended()
        throw flight.signal.aborted ? sealed(GatewayError.from(failure).facts['sent'] !== false) : failure
      }
    },
    shut() {
      for (const flight of flights) flight.abort()
    },
  }
}

function cuttable(body: HttpResponse['body'], cut: AbortSignal, ended: () => void): HttpResponse['body'] {
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]()
      return {
        async next() {
          try {
            const next = await chunks.next()
            if (cut.aborted) throw sealed(true)
            if (next.done === true) ended()
            return next
          } catch (failure) {
            ended()
            throw cut.aborted ? sealed(true) : failure
          }
        },
        async return() {
          ended()
          await chunks.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

function sealed(sent: boolean): GatewayError {
  return new GatewayError('sealed', 'the keyholder is sealed: nothing goes to 1fichier', {
    hint: 'open it with `guichet unseal`',
    facts: { sent },
  })
}
