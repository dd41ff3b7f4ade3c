import { GatewayError } from '@guichet/core'

/** Ends the wait for content that does not come any more; what breaks in the content is `cancelled`. */
export async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted()
  const iterator = content[Symbol.asyncIterator]()
  let giveUp: (reason: unknown) => void = ignore
  const onAbort = (): void => giveUp(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  let isOver = false
  try {
    while (true) {
      signal?.throwIfAborted()
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject
        iterator.next().then(resolve, (failure: unknown) => reject(brokenOff(failure)))
      })
      isOver = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Not waited for: a source that hangs in `next` does not answer `return` either.
    if (!isOver) void iterator.return?.().catch(ignore)
  }
}

function brokenOff(failure: unknown): unknown {
  if (failure instanceof GatewayError) return failure
  return new GatewayError('cancelled', 'the content broke off before its end', {
    hint: 'send the file again',
    cause: failure,
  })
}

function ignore(): void {}
