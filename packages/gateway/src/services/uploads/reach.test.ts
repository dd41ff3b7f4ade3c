import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FolderId, ROOT } from '@guichet/core'
import { FOLDER, KEY, put, START_MS, UploadsWorld } from './world.testing.ts'

/** A key that is confined to the folder, with another folder beside it. */
async function openWorld() {
  const world = await UploadsWorld.open()
  const key = {
    ...{ id: KEY, name: 'confined', root: FOLDER, rootPath: '/backup', verbs: ['upload'] as const },
    ...{ mayTunnel: false, limits: {}, createdMs: START_MS, expiresMs: undefined, revokedMs: undefined },
    ...{ parent: undefined, use: { count: 0, lastMs: undefined }, ended: undefined },
  }
  await world.keys.add(key, 'a hash')
  const make = async (name: string, parent: FolderId): Promise<FolderId> => {
    const id = await world.host.makeFolder(name, parent, {})
    await world.tree.addFolder({ id, parent, name }, START_MS)
    return id
  }
  return { world, inner: await make('inner', FOLDER), outside: await make('outside', ROOT) }
}

describe('content that waits for 1fichier', () => {
  it('is not stored in a folder that has left the root of its key meanwhile (K6)', async () => {
    const { world, inner, outside } = await openWorld()
    await using _ = world
    await using process = await world.start()
    await put(process, 'u1', { a: 'of the key' }, { folder: inner })
    await world.tree.moveFolder(inner, outside, world.clock.nowMs())
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), {
      code: 'not-found',
      message: `"a": there is no folder ${inner} any more`,
    })
    assert.deepEqual(world.stored(inner), [])
    assert.equal(world.spool.contents.size, 0)
  })

  it('is stored where the folder was moved within the root, and not where nobody knows where it is (K6)', async () => {
    const { world, inner, outside } = await openWorld()
    await using _ = world
    await using process = await world.start()
    await put(process, 'u1', { a: 'moved within' }, { folder: inner })
    await world.tree.renameFolder(inner, 'renamed', world.clock.nowMs())
    await world.passing(process.uploads.whenStored('u1'))
    await put(process, 'u2', { b: 'unknown' }, { folder: inner })
    await world.tree.forgetFolder(FOLDER)
    await assert.rejects(world.passing(process.uploads.whenStored('u2')), {
      message: `"b": there is no folder ${inner} any more`,
    })
    assert.deepEqual(world.stored(inner), ['a=moved within'])
    assert.deepEqual(world.stored(outside), [])
  })
})
