import { GatewayError, parseTransferId, type Transfer, type TransferId } from '@guichet/core'

/** The biggest file 1fichier takes (wire.md §3). */
export const FILE_BYTES_MAX = 300e9

export function outcomeOf(
  transfers: readonly Transfer[],
  refusal: GatewayError | undefined,
): 'stored' | 'open' | GatewayError {
  for (const { state } of transfers) {
    if (state.kind !== 'failed') continue
    return new GatewayError(state.code, state.message, { hint: 'mend the cause, then send the file again' })
  }
  const open = transfers.filter(({ state }) => state.kind !== 'stored')
  if (open.length === 0) return 'stored'
  return refusal !== undefined && open.some(({ state }) => state.kind !== 'reporting') ? refusal : 'open'
}

export function requireSize(name: string, sizeBytes: number): void {
  if (sizeBytes > FILE_BYTES_MAX) throw tooLarge(name)
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0) return
  throw new GatewayError('invalid', `${JSON.stringify(name)} is empty, and 1fichier takes no empty files`, {
    hint: 'leave it out, or put at least one byte into it',
  })
}

export function requireWhirlpool(name: string, whirlpool: string, expected: string | undefined): void {
  if (expected === undefined || expected.toLowerCase() === whirlpool) return
  throw new GatewayError('corrupt', `the content of ${JSON.stringify(name)} has not the promised checksum`, {
    hint: 'send it again',
  })
}

export async function* limited(
  name: string,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let takenBytes = 0
  for await (const chunk of content) {
    takenBytes += chunk.byteLength
    if (takenBytes > FILE_BYTES_MAX) throw tooLarge(name)
    yield chunk
  }
}

export function createTransferId(random: (count: number) => Uint8Array): TransferId {
  const digits = 'abcdefghijklmnopqrstuvwxyz012345'
  return parseTransferId(Array.from(random(16), (byte) => digits[byte % digits.length]).join(''))
}

export function tooLarge(name: string): GatewayError {
  return new GatewayError(
    'too-large',
    `${JSON.stringify(name)} is bigger than the 300 GB that 1fichier takes in one file`,
    { hint: 'split it, for example with `split -b 100G`' },
  )
}

export function tooManyWaiting(): GatewayError {
  return new GatewayError('unavailable', 'too many uploads wait for 1fichier already', {
    hint: 'look at `guichet status`, and send it again later',
    retryAfterMs: 60_000,
  })
}

export function raiseUnknown(upload: string): never {
  throw new GatewayError('not-found', `there is no upload ${upload.slice(0, 40)}`, {
    hint: 'its files may have been sent again under another id',
  })
}
