import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { databaseOf, enterInLedger, openLedgerFile } from './ledger-file.ts'
import { verifyLedger } from './services/ledger/verify.ts'
import { openDatabase } from './stores/sqlite/index.ts'
import { realWorld } from './world.ts'

describe('the ledger of a home', () => {
  it('takes what its owner has done while nobody served it, and is whole with that (K17)', async () => {
    await using home = await openHome()
    await enterInLedger(home.path, 'restore the home', realWorld('silent'))
    await using file = openLedgerFile(databaseOf(home.path))
    const [entry] = file.find({}, 1)
    assert.deepEqual([entry?.key, entry?.verb, entry?.target], ['owner', 'admin', 'restore the home'])
    const { head, problem } = await verifyLedger({ source: file })
    assert.deepEqual([head.size, problem], [1, undefined])
  })

  it('is walked over in steps, between which a signal is heard (U8)', async () => {
    await using home = await openHome()
    await enterInLedger(home.path, 'something', realWorld('silent'))
    await using file = openLedgerFile(databaseOf(home.path))
    const stop = new AbortController()
    setImmediate(() => stop.abort())
    const pause = async (): Promise<void> => stop.signal.throwIfAborted()
    await assert.rejects(verifyLedger({ source: file, pause }), { name: 'AbortError' })
  })
})

async function openHome(): Promise<AsyncDisposable & { readonly path: string }> {
  const home = await mkdtemp(path.join(tmpdir(), 'ledger-file-'))
  await openDatabase({ path: databaseOf(home) })[Symbol.asyncDispose]()
  return {
    path: home,
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}
