import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, type TransferId } from '@guichet/core'
import { MemorySpool, put, UploadsWorld } from './uploads-world.testing.ts'

describe('the uploader in trouble of its own machine', () => {
  it('goes on with what is journaled when the disk has failed for a while', async () => {
    await using world = await UploadsWorld.open()
    const spool = new FailingSpool()
    await using process = await world.start({}, { spool })
    await put(process, 'u1', { a: 'one', b: 'two' })
    spool.failures = 3
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
    assert.equal(world.host.uploads.length, 1)
  })
})

/** A spool whose disk cannot be looked at so many times. */
class FailingSpool extends MemorySpool {
  failures = 0

  override async sizeBytes(id: TransferId): Promise<number | undefined> {
    if (this.failures === 0) return await super.sizeBytes(id)
    this.failures -= 1
    throw new GatewayError('internal', 'EIO: i/o error, stat')
  }
}
