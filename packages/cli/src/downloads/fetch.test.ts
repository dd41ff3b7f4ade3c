import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ApiFile } from '@guichet/sdk'
import { leadNowhere } from '../gateway.testing.ts'
import { startProgress } from '../progress.ts'
import { openSession } from '../session.ts'
import { openTestWorld } from '../world.testing.ts'
import { fetchAll, type Report } from './fetch.ts'

const FILE: ApiFile = {
  kind: 'file',
  id: 'abcde',
  name: 'f',
  path: '/f',
  folderId: 0,
  sizeBytes: 3,
  dateMs: 0,
  link: 'https://1fichier.com/?abcde',
  hasPassword: false,
}

describe('fetching many files', () => {
  it('waits once for a gateway that is gone, not for each file', async () => {
    await using test = await openTestWorld()
    leadNowhere(test)
    let waits = 0
    const clock = {
      nowMs: () => 0,
      async sleep() {
        waits += 1
      },
    }
    await using session = openSession({ ...test.world(), clock }, { quiet: true })
    using progress = startProgress(session)
    const targets = Array.from({ length: 20 }, (_, number) => ({
      file: FILE,
      local: join(test.folder, `${number}`),
    }))
    const report: Report = { fetched: [], failed: [] }
    await fetchAll(session, targets, progress, report)
    assert.equal(report.failed.length, 20)
    assert.ok(report.failed.every(({ error }) => error.code === 'unavailable'))
    // Two files at a time are the first.
    assert.equal(waits, 14)
    assert.equal(existsSync(join(test.folder, '19')), false)
  })
})
