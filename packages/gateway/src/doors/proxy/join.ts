import type { Socket } from 'node:net'
import { Transform } from 'node:stream'
import type { Meter } from '../../services/budgets/budgets.ts'

/**
 * Passes bytes both ways until both ends have finished, one has failed, or nothing has moved for `idleTimeoutMs`.
 * An end that finishes sending may still receive. Bytes that a meter refuses end both. Resolves when both are closed;
 * never rejects.
 */
export async function join(
  client: Socket,
  server: Socket,
  idleTimeoutMs: number,
  meters: { readonly up?: Meter | undefined; readonly down?: Meter | undefined } = {},
): Promise<void> {
  const closed = Promise.all([closeOf(client), closeOf(server)])
  const follow = (first: Socket, second: Socket, meter: Meter | undefined): void => {
    first.setTimeout(idleTimeoutMs, () => first.destroy())
    first.on('error', () => first.destroy())
    first.once('close', () => {
      // Both have said all they had to say: the second may still be writing the last of it.
      if (!first.readableEnded || !second.readableEnded) second.destroy()
    })
    if (meter === undefined) {
      first.pipe(second)
      return
    }
    const counted = countedBy(meter)
    counted.once('error', () => {
      first.destroy()
      second.destroy()
    })
    first.pipe(counted).pipe(second)
  }
  follow(client, server, meters.up)
  follow(server, client, meters.down)
  if (client.destroyed) server.destroy()
  if (server.destroyed) client.destroy()
  await closed
}

/** Passes bytes on once they are counted. */
function countedBy(meter: Meter): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      meter.take(chunk.length).then(() => done(null, chunk), done)
    },
  })
}

function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
