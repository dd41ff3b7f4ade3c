import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { rclone, stored, storedAs, upstreamCalls, without, writeTree } from './clients.ts'
import { type Stand, startStand } from './stand.ts'

const FOLDERS = ['spring', 'summer', 'autumn', 'winter']
const FILES = 50

function assertPolite(stand: Stand): void {
  const { broken, locks, callsInLock } = stand.emulator.snapshot()
  assert.deepEqual({ broken, locks, callsInLock }, { broken: {}, locks: 0, callsInLock: 0 })
}

describe('the main job: 200 small files in 4 folders, with every rule enforced, documented or observed', () => {
  it('is done by unmodified rclone with 0 locks and at most 620 calls, and a second sync makes none', {
    skip: without('rclone'),
  }, async () => {
    await using stand = await startStand({ timeScale: 20, emulator: { rules: 'observed' } })
    const source = path.join(stand.work, 'source')
    const contents = await writeTree(source, FOLDERS, FILES)

    const copied = await rclone(stand, ['copy', source, ':fichier:x'])
    assert.equal(copied.code, 0, copied.stderr)
    assert.deepEqual(stored(stand), storedAs(contents, '/x'))
    assertPolite(stand)
    const calls = upstreamCalls(stand)
    assert.ok(calls <= 620, `${calls} calls`)

    const checked = await rclone(stand, ['check', source, ':fichier:x'])
    assert.equal(checked.code, 0, checked.stderr)
    const synced = await rclone(stand, ['sync', source, ':fichier:x'])
    assert.equal(synced.code, 0, synced.stderr)
    assert.equal(upstreamCalls(stand), calls, 'a check and a second sync ask 1fichier nothing')
    assertPolite(stand)
  })

  it('is done by `guichet put -r` with at most 25 calls', async () => {
    await using stand = await startStand({ timeScale: 20, emulator: { rules: 'observed' } })
    const source = path.join(stand.work, 'source')
    const contents = await writeTree(source, FOLDERS, FILES)
    const put = await stand.guichet(['put', '-r', source, '/'])
    assert.equal(put.code, 0, put.stderr)
    assert.deepEqual(stored(stand), storedAs(contents, '/source'))
    assertPolite(stand)
    const calls = upstreamCalls(stand)
    assert.ok(calls <= 25, `${calls} calls: ${JSON.stringify(stand.emulator.snapshot().calls)}`)

    const again = await stand.guichet(['put', '-r', source, '/'])
    assert.equal(again.code, 0, again.stderr)
    assert.equal(upstreamCalls(stand), calls, 'what is there already is not sent again')

    const target = path.join(stand.work, 'target')
    const got = await stand.guichet(['get', '-r', '/source', target])
    assert.equal(got.code, 0, got.stderr)
    assertPolite(stand)
  })
})
