import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS } from '@guichet/core'
import { createLog } from '../log.ts'
import { startHousekeeping } from './housekeeping.ts'
import { contentOf, FOLDER, put, UploadsWorld } from './uploads/world.testing.ts'

describe('housekeeping', () => {
  it('forgets what ended a week ago, as long as the gateway runs, and nothing that is owed', async () => {
    await using world = await UploadsWorld.open()
    const { clock, journal, spool } = world
    await using process = await world.start()
    const log = createLog('silent')
    await using _ = await startHousekeeping({ journal, spool, clock, log })
    await put(process, 'u1', { stored: 'one' })
    await world.until(async () => (await world.states()) === '1 stored')
    const [failed] = await put(process, 'u2', { failed: 'two' })
    assert.ok(failed !== undefined)
    const failedMs = clock.nowMs()
    await process.uploader[Symbol.asyncDispose]()
    await journal.advance([
      { id: failed.id, state: { kind: 'failed', code: 'corrupt', message: 'damaged', failedMs } },
    ])
    const [owed] = await put(process, 'u3', { owed: 'three' })
    assert.ok(owed !== undefined)

    await clock.advance(6 * DAY_MS)
    assert.equal(await world.states(), '1 spooled, 1 stored, 1 failed')
    await clock.advance(2 * DAY_MS)
    assert.equal(await world.states(), '1 spooled')
    assert.deepEqual(await spool.ids(), [owed.id])
  })

  it('leaves content alone that is not in the journal yet', async () => {
    await using world = await UploadsWorld.open()
    const { clock, journal, spool } = world
    await using process = await world.start()
    await using _ = await startHousekeeping({ journal, spool, clock, log: createLog('silent') })
    const file = { name: 'a' }
    const received = await process.uploads.receive({ key: 'owner' }, FOLDER, file, contentOf('one'))
    await clock.advance(30 * DAY_MS)
    assert.deepEqual(await spool.ids(), [received.id])
  })
})
