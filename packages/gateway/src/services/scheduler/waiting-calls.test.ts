import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileNode, GatewayError, MINUTE_MS, ROOT, VERBS } from '@guichet/core'
import { MemoryHost } from '@guichet/testkit'
import { createLog } from '../../log.ts'
import { SqliteBudgetStore, SqliteLedger, SqliteTree } from '../../stores/sqlite/index.ts'
import { openBudgets } from '../budgets/durable-budgets.ts'
import type { HostFor } from '../catalogue/catalogue.ts'
import { createCatalogue } from '../catalogue/tree-catalogue.ts'
import { createChanges } from '../changes/changes.ts'
import { createDestruction } from '../destruction.ts'
import { type Caller, createGate } from '../gate.ts'
import { OWNER } from '../principals.ts'
import { createRemotes } from '../remotes.ts'
import { paceHost } from './paced-host.ts'
import { keyOf, World } from './world.testing.ts'

/** An account with `/inside` (holding `folder` and two files) and `/outside`, and a key that is confined to the first. */
async function openAccount() {
  const world = await World.open()
  const { clock } = world
  const account = new MemoryHost({ clock, whirlpool: (content) => `${content.length}`.padStart(128, '0') })
  const log = createLog('silent')
  const tree = new SqliteTree(world.db)
  const ledger = new SqliteLedger(world.db)
  const gate = createGate({ ledger, clock, log })
  const host: HostFor = ({ principal, ...caller }, priority) =>
    paceHost(account, world.scheduler, { ...caller, key: principal.key, priority })
  const catalogue = createCatalogue({ tree, host, gate, clock, log, freshMs: 1e9 })
  const budgets = await openBudgets({
    ...{ store: new SqliteBudgetStore(world.db), gate, clock },
    ofOwner: [],
  })
  const changes = createChanges({
    tree,
    catalogue,
    host,
    gate,
    destruction: createDestruction({
      budgets,
      approvals: { require: async () => ({ settle: () => undefined }), prepare: async () => undefined },
    }),
    trash: { take: () => assert.fail('no key here has a trash') },
    clock,
  })
  const remotes = createRemotes({ host, gate, catalogue, budgets })

  const inside = await account.makeFolder('inside', ROOT, {})
  const outside = await account.makeFolder('outside', ROOT, {})
  const folder = await account.makeFolder('folder', inside, {})
  account.plant(inside, 'file', Buffer.from('content'), 1e12)
  account.plant(inside, 'other', Buffer.from('content'), 1e12)
  const owner: Caller = { principal: OWNER, door: 'admin', requestId: 'of the owner' }
  const principal = {
    ...{ key: keyOf(1), name: 'confined', verbs: VERBS, mayTunnel: false, limits: {} },
    ...{ root: inside, rootPath: '/inside' },
  }
  const confined: Caller = { principal, door: 'api', requestId: 'of the key' }
  for (const id of [ROOT, inside, outside, folder]) await clock.until(catalogue.list(owner, id))
  const [file, other] = (await catalogue.list(owner, inside)).files as [FileNode, FileNode]
  // Two calls under way are all that 1fichier gets at a time.
  const treatment = { backMs: MINUTE_MS }
  world.ask('file/info', { treatment })
  world.ask('file/info', { treatment })
  await clock.settle()
  return {
    ...{
      world,
      clock,
      account,
      ledger,
      tree,
      changes,
      remotes,
      confined,
      inside,
      outside,
      folder,
      file,
      other,
    },
    async moveFile(): Promise<void> {
      await clock.settle()
      await account.moveFiles([file.link], outside, undefined, {})
      await tree.moveFile(file.link.id, outside, file.link.id, clock.nowMs())
    },
    async moveFolder(): Promise<void> {
      await clock.settle()
      await account.moveFolder(folder, outside, {})
      await tree.moveFolder(folder, outside, clock.nowMs())
    },
  }
}

describe('a call of a confined key that waits for its turn', () => {
  it('is not sent when its file has been moved out of the root meanwhile', async () => {
    const { world, clock, account, changes, confined, outside, folder, file, other, moveFile } =
      await openAccount()
    await using _ = world
    const ended = Promise.allSettled([
      changes.removeFiles(confined, [file, other]),
      changes.renameFiles(confined, [{ file, name: 'new' }]),
      changes.moveFiles(confined, [file], folder, undefined),
      changes.copyFiles(confined, [file], folder, {}),
      changes.changeFiles(confined, [file], { description: 'new' }),
      changes.scanFile(confined, file),
    ])
    await moveFile()
    for (const result of await clock.until(ended)) refused(result)
    const { files } = await account.listFolder(outside, {})
    assert.deepEqual(
      files.map(({ name }) => name),
      ['file'],
    )
    assert.equal(account.filesIn(folder).length, 0)
  })

  it('is not sent when its folder has been moved out of the root meanwhile', async () => {
    const { world, clock, account, changes, remotes, confined, inside, outside, folder, file, moveFolder } =
      await openAccount()
    await using _ = world
    const urls = ['https://pages.example.org/x']
    const ended = Promise.allSettled([
      changes.makeFolder(confined, folder, 'new'),
      changes.moveFiles(confined, [file], folder, undefined),
      changes.copyFiles(confined, [file], folder, {}),
      changes.moveFolder(confined, folder, inside, 'new'),
      changes.shareFolder(confined, folder, { public: true }),
      changes.removeFolder(confined, folder),
      remotes.start(confined, { urls, to: folder, headers: {} }),
    ])
    await moveFolder()
    for (const result of await clock.until(ended)) refused(result)
    const { folders } = await account.listFolder(outside, {})
    assert.deepEqual(
      folders.map(({ name }) => name),
      ['folder'],
    )
    assert.equal(account.filesIn(folder).length, 0)
  })

  it('costs no turn, changes nothing that is known of the file, and stands in the ledger', async () => {
    const { world, clock, ledger, tree, changes, confined, outside, file, moveFile } = await openAccount()
    await using _ = world
    const ended = Promise.allSettled([changes.removeFiles(confined, [file])])
    await moveFile()
    await clock.until(ended)
    assert.equal((await tree.file(file.link.id))?.folder, outside)
    assert.notEqual((await tree.folder(outside))?.listedMs, undefined)
    const [last] = await ledger.recent(1)
    const { requestId, decision, target } = last ?? assert.fail('the ledger is empty')
    assert.deepEqual([requestId, decision, target], ['of the key', 'deny', `file ${file.link.id}`])
  })
})

function refused(result: PromiseSettledResult<unknown>): void {
  assert.equal(result.status, 'rejected')
  assert.ok(result.reason instanceof GatewayError)
  assert.equal(result.reason.code, 'not-found')
}
