import type { Socket } from 'node:net'

/**
 * Passes bytes both ways until both ends have finished, one has failed, or nothing has moved for `idleTimeoutMs`.
 * An end that finishes sending may still receive. Resolves when both are closed; never rejects.
 */
export async function join(client: Socket, server: Socket, idleTimeoutMs: number): Promise<void> {
  const closed = Promise.all([closeOf(client), closeOf(server)])
  const follow = (first: Socket, second: Socket): void => {
    first.setTimeout(idleTimeoutMs, () => first.destroy())
    first.on('error', () => first.destroy())
    first.once('close', () => {
      // Both have said all they had to say: the second may still be writing the last of it.
      if (!first.readableEnded || !second.readableEnded) second.destroy()
    })
    first.pipe(second)
  }
  follow(client, server)
  follow(server, client)
  if (client.destroyed) server.destroy()
  if (server.destroyed) client.destroy()
  await closed
}

function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
