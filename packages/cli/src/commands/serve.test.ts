import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listenerLines } from './serve.ts'

const AT = { url: 'http://127.0.0.1:8474', adminSocket: '/home/eve/run/admin.sock', keys: 1 }

describe('what serve says when it starts (U6)', () => {
  it('is who can reach what, by which way (U6)', () => {
    assert.deepEqual(listenerLines({ ...AT, isLoopback: true, certificateEndsMs: undefined }), [
      'http://127.0.0.1:8474: every user of this machine with a virtual key (1 key is good now): /v1, /api/v1, and as a proxy; plain HTTP',
      '/home/eve/run/admin.sock: this user alone, without a key, as the owner of everything',
    ])
    const url = 'https://192.0.2.1:8474'
    const [open] = listenerLines({
      ...AT,
      url,
      keys: 3,
      isLoopback: false,
      certificateEndsMs: Date.UTC(2027, 0, 31),
    })
    assert.equal(
      open,
      'https://192.0.2.1:8474: every machine that can connect with a virtual key (3 keys are good now): /v1, /api/v1, and as a proxy; TLS, certificate good until 2027-01-31',
    )
  })
})
