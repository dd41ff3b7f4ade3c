import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, MINUTE_MS, ROOT, type TransferId } from '@guichet/core'
import { FOLDER, hostWith, MemorySpool, put, UploadsWorld } from './world.testing.ts'

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

  it('waits no longer for company when the clock is set back', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await world.clock.settle()
    world.clock.jump(-HOUR_MS)
    await world.clock.advance(MINUTE_MS)
    assert.equal(await world.states(), '1 stored')
  })

  it('pauses no longer after a failure when the clock is set back', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.refusal = new GatewayError('upstream-down', 'no answer')
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(1_000)
    world.host.refusal = undefined
    world.clock.jump(-HOUR_MS)
    await world.clock.advance(MINUTE_MS)
    assert.equal(await world.states(), '1 stored')
  })

  it('proves what became of a request at its time when the clock is set back', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(10_000)
    world.clock.jump(-24 * HOUR_MS)
    await world.clock.advance(10 * MINUTE_MS)
    assert.equal(await world.states(), '1 stored')
  })

  it('finds what it has sent with a clock that was ahead', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const sentMs = world.clock.nowMs()
    world.clock.jump(2 * HOUR_MS)
    world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(10_000)
    world.host.plant(FOLDER, 'a', Buffer.from('one'), sentMs + 1_000)
    world.clock.jump(-2 * HOUR_MS)
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('says what it waits for as long as 1fichier does not answer, whatever the stage', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const reason = (): string | undefined => process.uploads.trouble()?.message
    world.host.refusal = new GatewayError('upstream-down', 'no way to the API')
    await put(process, 'u1', { a: 'one' })
    await world.until(() => reason() !== undefined)
    assert.equal(reason(), 'no way to the API')
    world.host.refusal = undefined
    world.host.fail({ answer: 'cut', content: 'lost' })
    await world.until(() => world.host.uploads.length === 1)
    world.host.refusal = new GatewayError('upstream-down', 'no way to the listing')
    await world.until(() => reason() === 'no way to the listing')
    world.host.refusal = undefined
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(reason(), undefined)
  })

  it('tells of the refusal that holds uploads also when a request beside it was accepted', async () => {
    await using world = await UploadsWorld.open()
    const bothThere = Promise.withResolvers<void>()
    const refused = Promise.withResolvers<void>()
    const host = hostWith(world.host, 'upload', async (target, folder, files, call) => {
      if (folder === FOLDER) {
        await bothThere.promise
        refused.resolve()
        throw new GatewayError('account-refused', 'refused by the node', { facts: { stored: false } })
      }
      bothThere.resolve()
      await refused.promise
      await world.clock.settle()
      return await world.host.upload(target, folder, files, call)
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { a: 'one' })
    await put(process, 'u2', { b: 'two' }, { folder: ROOT })
    await world.until(async () => (await world.states()) === '1 spooled, 1 stored')
    assert.equal(process.uploader.refusal()?.code, 'account-refused')
    await assert.rejects(process.uploads.whenStored('u1'), { code: 'account-refused' })
  })

  it('asks nothing more of a node that refuses the account after a restart either, until a person resumes', async () => {
    await using world = await UploadsWorld.open()
    const error = new GatewayError('account-refused', 'refused by the node', { facts: { stored: false } })
    world.host.fail({ content: 'lost', answer: error })
    {
      await using process = await world.start()
      await put(process, 'u1', { a: 'one' })
      await world.until(() => process.uploader.refusal() !== undefined)
    }
    {
      await using process = await world.start()
      await world.clock.advance(10 * HOUR_MS)
      assert.equal(world.calls('upload'), 1)
      await assert.rejects(process.uploads.whenStored('u1'), {
        code: 'account-refused',
        message: 'refused by the node',
      })
      process.uploader.resume()
      await world.passing(process.uploads.whenStored('u1'))
    }
    await using process = await world.start()
    assert.equal(process.uploader.refusal(), undefined)
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
