import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { FOLDER, hostWith, put, UploadsWorld } from './world.testing.ts'

describe('following an upload', () => {
  it('takes no file of a report for two transfers, however alike their contents are (R8)', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ content: 'without-last' })
    await put(process, 'u1', { a: 'same', b: 'same' })
    const transfers = await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=same', 'b=same'])
    const links = transfers.map(({ state }) => (state.kind === 'stored' ? state.link.id : state.kind))
    assert.equal(new Set(links).size, 2)
  })

  it('takes it for none either while a damaged copy of the same request cannot be removed', async () => {
    await using world = await UploadsWorld.open()
    let refusals = 2
    const host = hostWith(world.host, 'removeFiles', async (links, call) => {
      refusals -= 1
      if (refusals >= 0) throw new GatewayError('upstream-down', 'not now')
      return await world.host.removeFiles(links, call)
    })
    await using process = await world.start({}, { host })
    world.host.fail({ content: 'damaged' })
    await put(process, 'u1', { a: 'same', b: 'same' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=same', 'b=same'])
  })

  it('calls nothing stored that a listing shows without a checksum, and sends nothing again that is there', async () => {
    await using world = await UploadsWorld.open()
    let hasChecksums = false
    const host = hostWith(world.host, 'listFolder', async (folder, call) => {
      const listing = await world.host.listFolder(folder, call)
      const files = listing.files.map((file) => (hasChecksums ? file : { ...file, whirlpool: undefined }))
      return { ...listing, files }
    })
    await using process = await world.start({}, { host })
    world.host.fail({ answer: 'cut', content: 'without-last', reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one', b: 'two' })
    await world.until(async () => (await world.states()) === '1 doubtful, 1 stored')
    assert.deepEqual(
      world.host.uploads.map(({ names }) => names.join(' ')),
      ['a b', 'b'],
    )
    hasChecksums = true
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
  })

  it('fails what can never be compared, and leaves the copy to a person', async () => {
    await using world = await UploadsWorld.open()
    const host = hostWith(world.host, 'listFolder', async (folder, call) => {
      const listing = await world.host.listFolder(folder, call)
      return { ...listing, files: listing.files.map((file) => ({ ...file, whirlpool: undefined })) }
    })
    await using process = await world.start({}, { host })
    world.host.fail({ answer: 'cut', content: 'damaged', reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one' })
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), { code: 'upstream-changed' })
    assert.equal(world.host.uploads.length, 1)
    assert.equal(world.host.filesIn(FOLDER).length, 1)
    assert.ok(world.calls('listFolder') <= 20)
  })

  it('tells nobody of a refusal that a person has mended since', async () => {
    await using world = await UploadsWorld.open()
    const refusals = [new GatewayError('account-refused', 'No such user')]
    const host = hostWith(world.host, 'uploadReport', async (receipt, call) => {
      const refusal = refusals.pop()
      if (refusal !== undefined) throw refusal
      return await world.host.uploadReport(receipt, call)
    })
    await using process = await world.start({}, { host })
    world.host.fail({ reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one' })
    const stored = process.uploads.whenStored('u1')
    await world.until(() => process.uploader.refusal() !== undefined)
    process.uploader.resume()
    await world.passing(stored)
    assert.deepEqual(world.stored(), ['a=one'])
  })
})
