import assert from 'node:assert/strict'
import { it } from 'node:test'
import { MINUTE_MS, OWN_WRITE_GRACE_MS, ROOT, type Tree } from '@guichet/core'
import { fileId, folderId, sampleFile, sampleFolder, sampleListing } from '../samples.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const LATER_MS = NOW_MS + OWN_WRITE_GRACE_MS + MINUTE_MS

/** Own writes show at once. */
export function ownWrites(open: () => Promise<Tree>): void {
  it('shows own writes at once', async () => {
    const tree = await open()
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'a' }, NOW_MS)
    await tree.addFolder({ id: folderId(2), parent: folderId(1), name: 'b' }, NOW_MS)
    await tree.addFile(folderId(2), sampleFile('file'), NOW_MS)
    await tree.renameFolder(folderId(2), 'c', NOW_MS)
    await tree.renameFile(fileId('file'), 'new name', NOW_MS)
    assert.deepEqual(
      (await tree.ancestry(folderId(2)))?.map((node) => node.name),
      ['', 'a', 'c'],
    )
    assert.deepEqual(
      (await tree.children(folderId(2))).files.map((file) => file.name),
      ['new name'],
    )
    await tree.moveFolder(folderId(2), ROOT, NOW_MS)
    assert.deepEqual(
      (await tree.ancestry(folderId(2)))?.map((node) => node.name),
      ['', 'c'],
    )
    await tree.removeFile(fileId('file'), NOW_MS)
    assert.equal(await tree.file(fileId('file')), undefined)
    await tree.removeFolder(folderId(1), NOW_MS)
    assert.deepEqual(await tree.counts(), { folders: 1, files: 0 })
  })

  it('calls a folder complete when told so, and only then', async () => {
    const tree = await open()
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'a' }, NOW_MS)
    assert.equal((await tree.folder(folderId(1)))?.listedMs, undefined)
    await tree.markListed(folderId(1), NOW_MS + 1)
    assert.equal((await tree.folder(folderId(1)))?.listedMs, NOW_MS + 1)
    await tree.addFile(folderId(1), sampleFile('file'), NOW_MS + 2)
    assert.equal((await tree.folder(folderId(1)))?.listedMs, NOW_MS + 1)
  })

  it('moves a file, under its new link where it got one', async () => {
    const tree = await open()
    await tree.addFile(folderId(1), sampleFile('old'), NOW_MS)
    await tree.moveFile(fileId('old'), folderId(2), fileId('new'), NOW_MS)
    assert.equal(await tree.file(fileId('old')), undefined)
    assert.deepEqual(await tree.file(fileId('new')), {
      ...sampleFile('old', { link: { domain: '1fichier.com', id: fileId('new') } }),
      folder: 2,
    })
    await tree.moveFile(fileId('new'), folderId(1), fileId('new'), NOW_MS)
    assert.equal((await tree.file(fileId('new')))?.folder, 1)
    assert.deepEqual(await tree.counts(), { folders: 2, files: 1 })
  })

  it('asks again for a folder that something unknown was moved into', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(1), NOW_MS, NOW_MS)
    await tree.applyListing(sampleListing(2), NOW_MS, NOW_MS)
    await tree.moveFile(fileId('unknown'), folderId(1), fileId('unknown'), NOW_MS)
    await tree.moveFolder(folderId(9), folderId(2), NOW_MS)
    assert.equal((await tree.folder(folderId(1)))?.listedMs, undefined)
    assert.equal((await tree.folder(folderId(2)))?.listedMs, undefined)
  })

  it('removes a folder with everything below it', async () => {
    const tree = await open()
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'a' }, NOW_MS)
    for (let depth = 2; depth < 50; depth += 1) {
      await tree.addFolder({ id: folderId(depth), parent: folderId(depth - 1), name: 'x' }, NOW_MS)
      await tree.addFile(folderId(depth), sampleFile(`file${depth}`), NOW_MS)
    }
    await tree.removeFolder(folderId(2), NOW_MS)
    assert.deepEqual(await tree.counts(), { folders: 1, files: 0 })
  })

  it('refuses to put a folder below itself', async () => {
    const tree = await open()
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'a' }, NOW_MS)
    await tree.addFolder({ id: folderId(2), parent: folderId(1), name: 'b' }, NOW_MS)
    for (const to of [1, 2]) {
      await assert.rejects(tree.moveFolder(folderId(1), folderId(to), NOW_MS), { code: 'conflict' })
    }
    assert.deepEqual(
      (await tree.ancestry(folderId(2)))?.map((node) => node.id),
      [0, 1, 2],
    )
  })

  it('refuses to rename, move or remove the root', async () => {
    const tree = await open()
    await assert.rejects(tree.renameFolder(ROOT, 'x', NOW_MS), { code: 'invalid' })
    await assert.rejects(tree.moveFolder(ROOT, folderId(1), NOW_MS), { code: 'invalid' })
    await assert.rejects(tree.removeFolder(ROOT, NOW_MS), { code: 'invalid' })
  })
}

/** Own writes win over lagging listings for a while. */
export function ownWritesAgainstListings(open: () => Promise<Tree>): void {
  it('keeps what was added when a lagging listing does not show it, and drops it when it never appears (T7)', async () => {
    const tree = await open()
    await tree.addFile(ROOT, sampleFile('added'), NOW_MS)
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'made' }, NOW_MS)
    await tree.applyListing(sampleListing(0), NOW_MS + MINUTE_MS, NOW_MS + MINUTE_MS)
    assert.deepEqual(await tree.counts(), { folders: 1, files: 1 })
    await tree.applyListing(sampleListing(0), LATER_MS, LATER_MS)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
  })

  it('does not show again what was removed, until a listing insists (T7)', async () => {
    const tree = await open()
    const listing = sampleListing(0, { files: [sampleFile('file')], folders: [sampleFolder(1)] })
    await tree.applyListing(listing, NOW_MS, NOW_MS)
    await tree.removeFile(fileId('file'), NOW_MS)
    await tree.removeFolder(folderId(1), NOW_MS)
    await tree.applyListing(listing, NOW_MS + MINUTE_MS, NOW_MS + MINUTE_MS)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
    await tree.applyListing(listing, LATER_MS, LATER_MS)
    assert.deepEqual(await tree.counts(), { folders: 1, files: 1 })
  })

  it('does not bring a removed folder back by a listing of itself or of a folder below it', async () => {
    const tree = await open()
    await tree.addFolder({ id: folderId(1), parent: ROOT, name: 'a' }, NOW_MS)
    await tree.addFolder({ id: folderId(2), parent: folderId(1), name: 'b' }, NOW_MS)
    await tree.removeFolder(folderId(1), NOW_MS)
    await tree.applyListing(sampleListing(1, { folders: [sampleFolder(2)] }), NOW_MS + 1, NOW_MS + 1)
    await tree.applyListing(sampleListing(2, { files: [sampleFile('file')] }), NOW_MS + 1, NOW_MS + 1)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
  })

  it('keeps a new name and a new place against lagging listings', async () => {
    const tree = await open()
    const before = sampleListing(1, { files: [sampleFile('file')], folders: [sampleFolder(3)] })
    await tree.applyListing(before, NOW_MS, NOW_MS)
    await tree.renameFile(fileId('file'), 'new', NOW_MS)
    await tree.renameFolder(folderId(3), 'new', NOW_MS)
    await tree.applyListing(before, NOW_MS + 1, NOW_MS + 1)
    assert.equal((await tree.file(fileId('file')))?.name, 'new')
    assert.equal((await tree.folder(folderId(3)))?.name, 'new')
    await tree.applyListing(sampleListing(3), NOW_MS + 1, NOW_MS + 1)
    assert.equal((await tree.folder(folderId(3)))?.name, 'new')
    await tree.moveFile(fileId('file'), folderId(2), fileId('file'), NOW_MS + 2)
    await tree.moveFolder(folderId(3), folderId(2), NOW_MS + 2)
    await tree.applyListing(before, NOW_MS + 3, NOW_MS + 3)
    assert.equal((await tree.file(fileId('file')))?.folder, 2)
    assert.equal((await tree.folder(folderId(3)))?.parent, 2)
  })

  it('lets a listing win over own writes that are old enough', async () => {
    const tree = await open()
    await tree.addFile(ROOT, sampleFile('file', { name: 'ours' }), NOW_MS)
    await tree.applyListing(sampleListing(0, { files: [sampleFile('file')] }), LATER_MS, LATER_MS)
    assert.equal((await tree.file(fileId('file')))?.name, 'file.bin')
  })
}
