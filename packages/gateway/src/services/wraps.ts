import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import {
  type Clock,
  createWrapToken,
  DAY_MS,
  type Door,
  GatewayError,
  isWrapToken,
  type KeyId,
  type KeyStore,
  type VirtualKey,
  type WrapStore,
} from '@guichet/core'
import type { Log } from '../log.ts'
import { unknownCaller } from './admission.ts'
import type { Gate } from './gate.ts'
import type { Issued } from './keys.ts'
import { mayComeFrom, type Principals } from './principals.ts'

const WRAP_MAX_MS = 30 * DAY_MS

/** Whoever brings a token: nobody that we know. */
export interface Fetcher {
  readonly door: Door
  readonly requestId: string
  readonly from: string | undefined
}

/**
 * Hands the text of a new key over by a token that works once, so that the text itself stands in no mail and no chat.
 *
 * The text is kept sealed under the token, and the token is nowhere. Whoever comes second with it finds that somebody
 * else has the text: an alarm, and the key is revoked. A text that nobody fetches in time is revoked, too.
 */
export interface Wraps {
  wrap(issued: Issued, forMs: number): Promise<{ readonly token: string; readonly untilMs: number }>
  /** Rejects with `unauthenticated`, once that is recorded. */
  unwrap(token: string, fetcher: Fetcher): Promise<Issued>
  /** Revokes the keys whose texts were not fetched in time. */
  expire(): Promise<void>
}

export function createWraps(options: {
  readonly wraps: WrapStore
  readonly keys: KeyStore
  readonly principals: Pick<Principals, 'hash'>
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Log
  readonly random: (count: number) => Uint8Array
  readonly onRevoked: (id: KeyId) => void
}): Wraps {
  const { wraps, keys, principals, gate, clock, log, random, onRevoked } = options

  async function revoke(id: KeyId): Promise<void> {
    for (const key of await keys.revoke(id, clock.nowMs())) onRevoked(key.id)
  }

  async function alarm(hash: string, key: VirtualKey): Promise<GatewayError> {
    await wraps.misuse(hash, clock.nowMs())
    await revoke(key.id)
    const facts = { rule: 'wrap', key: key.id }
    log.error(
      facts,
      `the token of the key "${key.name}" was used twice: somebody else has its text; it is revoked`,
    )
    return new GatewayError(
      'unauthenticated',
      `this token was used before: somebody else has the key "${key.name}", so it has been revoked`,
      { hint: 'tell whoever sent you the token, and ask for another key', facts },
    )
  }

  return {
    async wrap({ key, text }, forMs) {
      if (!Number.isSafeInteger(forMs) || forMs <= 0 || forMs > WRAP_MAX_MS) {
        throw new GatewayError('invalid', `a token cannot be good for ${forMs} ms`, {
          hint: 'give it up to 30 days',
        })
      }
      const token = createWrapToken(random)
      const untilMs = clock.nowMs() + forMs
      await wraps.add({
        ...{ hash: principals.hash(token), key: key.id, untilMs },
        sealed: seal(text, token, key.id, random),
      })
      return { token, untilMs }
    },

    async unwrap(token, { from, ...caller }) {
      const refuse = (error: GatewayError, { id }: VirtualKey): Promise<GatewayError> =>
        gate.deny({ caller, verb: 'authenticate', target: `the text of the key ${id}` }, error)
      const hash = principals.hash(token)
      const wrap = isWrapToken(token) ? await wraps.byHash(hash) : undefined
      const key = wrap === undefined ? undefined : await keys.byId(wrap.key)
      if (wrap === undefined || key === undefined)
        throw await unknownCaller(gate, { ...caller, from }, 'the text of a key, by a token', unknown())
      // From elsewhere it is no use of the token, and no alarm either: the text is still nobody's.
      if (caller.door !== 'admin' && !mayComeFrom(key.limits, from)) {
        await refuse(
          new GatewayError('unauthenticated', `the key "${key.name}" may not be fetched from ${from}`),
          key,
        )
        throw unknown()
      }
      if (wrap.fetchedMs !== undefined) throw await refuse(await alarm(hash, key), key)
      if (wrap.untilMs <= clock.nowMs() || key.revokedMs !== undefined) {
        await revoke(key.id)
        throw await refuse(late(key), key)
      }
      await gate.admit({ caller, verb: 'authenticate', target: `the text of the key ${key.id}` })
      const sealed = await wraps.fetch(hash, clock.nowMs())
      // Two came at one time, and this is the second.
      if (sealed === undefined) throw await refuse(await alarm(hash, key), key)
      return { key, text: open(sealed, token, key.id) }
    },

    async expire() {
      for (const { hash, key } of await wraps.overdue(clock.nowMs())) {
        await revoke(key)
        log.warn({ key }, 'the text of a key was not fetched in time: it is revoked')
        const caller = { door: 'admin', requestId: 'housekeeping' } as const
        const target = `revoke the key ${key}, whose text was not fetched in time`
        await gate.admit({ caller, verb: 'admin', target })
        await wraps.forget(hash)
      }
    },
  }
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** AES-256-GCM under a key made of the token, whose 131 random bits need no stretching; bound to the key's id. */
function seal(text: string, token: string, id: KeyId, random: (count: number) => Uint8Array): string {
  const nonce = random(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(token), nonce).setAAD(Buffer.from(id))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

function open(sealed: string, token: string, id: KeyId): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(token), bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(id))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
    'utf8',
  )
}

function keyOf(token: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', token, '', 'guichet wrap 1', 32))
}

function unknown(): GatewayError {
  return new GatewayError('unauthenticated', 'this token is not known here', {
    hint: 'copy all 32 characters of it, or ask for another key',
  })
}

function late({ id, name }: VirtualKey): GatewayError {
  return new GatewayError(
    'unauthenticated',
    `the key "${name}" was not fetched in time, so it has been revoked`,
    {
      hint: 'ask for another one',
      facts: { rule: 'wrap', key: id },
    },
  )
}
