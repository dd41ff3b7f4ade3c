import { type Clock, GatewayError, type KeyId, type KeyStore, type TicketStore } from '@guichet/core'
import type { Caller, Gate } from './gate.ts'

/**
 * What the owner does when something is wrong. Here alone the deed comes before its line in the ledger: it sends
 * nothing anywhere, and a full disk must not keep the key in use. That the line is missing is told.
 */
export interface Custody {
  /** Nothing goes to 1fichier any more when it resolves. */
  seal(caller: Caller): Promise<void>
  /**
   * Seals, revokes every virtual key, and ends the links that the owner has made; all on disk when it resolves. Tells
   * how many keys it has ended. What the disk does not take holds until the gateway ends, and it rejects.
   */
  panic(caller: Caller): Promise<{ readonly revoked: number }>
}

export function createCustody(options: {
  readonly gate: Gate
  readonly keys: KeyStore
  readonly links: Pick<TicketStore, 'drop'>
  readonly clock: Clock
  /** Rejects when it could not be made to last; what can be cut is cut all the same. */
  readonly seal: () => Promise<void>
  /** Told of each revocation, so that what the key has under way is cut. */
  readonly onRevoked: (id: KeyId) => void
}): Custody {
  const { gate, keys, links, clock, seal, onRevoked } = options

  async function revokeAll(): Promise<number> {
    let revoked = 0
    // Once more after the last one: a key may have been made meanwhile.
    for (;;) {
      const living = (await keys.list()).filter(({ revokedMs }) => revokedMs === undefined)
      if (living.length === 0) return revoked
      const failures: unknown[] = []
      for (const { id } of living) {
        // What the key has under way and begins from now on is cut, whatever becomes of the disk.
        onRevoked(id)
        await keys.revoke(id, clock.nowMs()).catch((failure: unknown) => failures.push(failure))
      }
      if (failures.length > 0) throw notRevoked(failures)
      revoked += living.length
    }
  }

  async function enter(caller: Caller, what: string): Promise<void> {
    try {
      await gate.permitOwner(caller, what)
    } catch (cause) {
      const { code, hint } = GatewayError.from(cause)
      throw new GatewayError(code, `this was done: ${what}; but the ledger could not be written`, {
        hint,
        cause,
      })
    }
  }

  return {
    async seal(caller) {
      const what = 'seal the keyholder'
      await gate.demandOwner(caller, what)
      await seal()
      await enter(caller, what)
    },

    async panic(caller) {
      await gate.demandOwner(caller, 'panic')
      const sealing = await seal().then(
        () => undefined,
        (failure: unknown) => failure,
      )
      const revoked = await revokeAll()
      await links.drop('owner')
      await enter(caller, `panic: seal the keyholder, revoke every key (${revoked})`)
      if (sealing !== undefined) throw sealing
      return { revoked }
    },
  }
}

function notRevoked(failures: readonly unknown[]): GatewayError {
  const [cause] = failures
  const { code } = GatewayError.from(cause)
  return new GatewayError(
    code,
    `${failures.length} keys could not be revoked on the disk: they are ended only until the gateway starts again`,
    { hint: 'free some space, or look for the fault of the disk, then `guichet panic` once more', cause },
  )
}
