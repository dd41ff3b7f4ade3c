import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { type Ledger, ROOT } from '@guichet/core'
import { openCounter } from '../counter.testing.ts'

const FORM = [
  '--b\r\nContent-Disposition: form-data; name="did"\r\n\r\n0\r\n',
  '--b\r\nContent-Disposition: form-data; name="file[]"; filename="x"\r\n\r\nwithout an end',
].join('')

describe('an upload that is cut in its form', () => {
  it('ends nothing but itself when its client leaves before it is looked at', async () => {
    const asked = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    await using counter = await openCounter({
      ledger: (real): Ledger => ({
        async record(entry) {
          if (entry.verb === 'upload') {
            asked.resolve()
            await held.promise
          }
          return real.record(entry)
        },
        recent: (limit) => real.recent(limit),
        count: () => real.count(),
      }),
    })
    const { text: key } = await counter.key({ verbs: ['list', 'upload'] })
    await counter.native(key, 'folder/ls', { folder_id: ROOT })
    const socket = connect(counter.port, '127.0.0.1')
    socket.on('error', () => undefined).resume()
    socket.write(
      `POST /upload.cgi?id=abc HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${FORM.length}\r\n\r\n${FORM}`,
    )
    await asked.promise
    await counter.clock.settle()
    socket.resetAndDestroy()
    while (counter.server.visits.count() > 0) await counter.clock.settle()
    held.resolve()
    await counter.clock.settle()
    assert.equal((await counter.native(key, 'folder/ls', {})).status, 200)
    while ((await counter.spooled()).length > 0) await counter.clock.settle()
    assert.deepEqual(
      counter.calls().filter((name) => name.startsWith('upload')),
      [],
    )
  })
})
