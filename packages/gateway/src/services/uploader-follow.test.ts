import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { hostWith, put, UploadsWorld } from './uploads-world.testing.ts'

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
})
