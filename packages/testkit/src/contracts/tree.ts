import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MINUTE_MS, OWN_WRITE_GRACE_MS, ROOT, type Tree } from '@guichet/core'
import { fileId, folderId, sampleFile, sampleFolder, sampleListing } from '../samples.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const LATER_MS = NOW_MS + OWN_WRITE_GRACE_MS + MINUTE_MS

/** What every `Tree` does. `open` gives one that has seen nothing yet. */
export function treeContract(name: string, open: () => Promise<Tree>): void {
  describe(`${name} is a Tree`, () => {
    listings(open)
    ownWrites(open)
    ownWritesAgainstListings(open)
    forgetting(open)
  })
}

function listings(open: () => Promise<Tree>): void {
  it('knows the root from the beginning, and nothing in it', async () => {
    const tree = await open()
    assert.equal((await tree.folder(ROOT))?.listedMs, undefined)
    assert.deepEqual(await tree.children(ROOT), { folders: [], files: [] })
    assert.deepEqual(
      (await tree.ancestry(ROOT))?.map((node) => node.id),
      [ROOT],
    )
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
  })

  it('gives a listing back with every field', async () => {
    const tree = await open()
    const file = sampleFile('one', { hasPassword: true, usesCdn: true, whirlpool: undefined })
    const folder = sampleFolder(5, { hasPassword: true, createdMs: undefined })
    const url = 'https://1fichier.com/dir/abcdef'
    await tree.applyListing(sampleListing(3, { publicUrl: url }), NOW_MS, NOW_MS)
    await tree.applyListing(
      sampleListing(0, { folders: [sampleFolder(3), folder], files: [file] }),
      NOW_MS,
      NOW_MS + 5,
    )
    assert.deepEqual((await tree.children(ROOT)).files, [{ ...file, folder: ROOT }])
    assert.deepEqual(await tree.file(file.link.id), { ...file, folder: ROOT })
    assert.deepEqual(await tree.folder(folder.id), {
      ...folder,
      parent: ROOT,
      listedMs: undefined,
      publicUrl: undefined,
    })
    assert.deepEqual(await tree.folder(folderId(3)), {
      ...sampleFolder(3),
      parent: ROOT,
      listedMs: NOW_MS,
      publicUrl: url,
    })
    assert.equal((await tree.folder(ROOT))?.listedMs, NOW_MS)
    assert.deepEqual(await tree.counts(), { folders: 2, files: 1 })
  })

  it('orders children by name, then by id, and keeps two of one name apart', async () => {
    const tree = await open()
    const files = ['b', 'a2', 'a1'].map((word) => sampleFile(word.padEnd(5, 'x'), { name: word[0] ?? '' }))
    const folders = [
      sampleFolder(9, { name: 'x' }),
      sampleFolder(8, { name: 'x' }),
      sampleFolder(7, { name: 'Z' }),
    ]
    await tree.applyListing(sampleListing(0, { folders, files }), NOW_MS, NOW_MS)
    const children = await tree.children(ROOT)
    assert.deepEqual(
      children.folders.map((node) => node.id),
      [7, 8, 9],
    )
    assert.deepEqual(
      children.files.map((node) => node.link.id),
      [fileId('a1xxx'), fileId('a2xxx'), fileId('bxxxx')],
    )
  })

  it('drops what a later listing no longer shows, with all below it', async () => {
    const tree = await open()
    await tree.applyListing(
      sampleListing(0, { folders: [sampleFolder(1)], files: [sampleFile('gone')] }),
      NOW_MS,
      NOW_MS,
    )
    await tree.applyListing(
      sampleListing(1, { folders: [sampleFolder(2)], files: [sampleFile('deep')] }),
      NOW_MS,
      NOW_MS,
    )
    await tree.applyListing(sampleListing(0), NOW_MS + 1, NOW_MS + 1)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
    assert.equal(await tree.file(fileId('deep')), undefined)
  })

  it('moves what a listing shows elsewhere', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(0, { folders: [sampleFolder(1), sampleFolder(2)] }), NOW_MS, NOW_MS)
    await tree.applyListing(
      sampleListing(1, { folders: [sampleFolder(3)], files: [sampleFile('file')] }),
      NOW_MS,
      NOW_MS,
    )
    await tree.applyListing(
      sampleListing(2, { folders: [sampleFolder(3)], files: [sampleFile('file')] }),
      NOW_MS,
      NOW_MS,
    )
    assert.deepEqual(await tree.children(folderId(1)), { folders: [], files: [] })
    assert.equal((await tree.file(fileId('file')))?.folder, 2)
    assert.deepEqual(
      (await tree.ancestry(folderId(3)))?.map((node) => node.id),
      [0, 2, 3],
    )
  })

  it('ignores a listing that is older than what it knows', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(0, { files: [sampleFile('newer')] }), NOW_MS + 10, NOW_MS + 10)
    await tree.applyListing(sampleListing(0, { files: [sampleFile('older')] }), NOW_MS, NOW_MS + 20)
    assert.deepEqual(
      (await tree.children(ROOT)).files.map((file) => file.name),
      ['newer.bin'],
    )
  })

  it('takes a listing after the clock was set back', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(0), NOW_MS, NOW_MS)
    await tree.applyListing(sampleListing(0, { files: [sampleFile('new')] }), NOW_MS - 1_000, NOW_MS - 900)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 1 })
  })

  it('keeps what it knows beyond a listing that was cut, and does not call it complete', async () => {
    const tree = await open()
    await tree.applyListing(
      sampleListing(0, { files: [sampleFile('first'), sampleFile('second')] }),
      NOW_MS,
      NOW_MS,
    )
    const cut = sampleListing(0, { files: [sampleFile('first')], fileCount: 2 })
    await tree.applyListing(cut, NOW_MS + 1, NOW_MS + 1)
    assert.equal((await tree.children(ROOT)).files.length, 2)
    assert.equal((await tree.folder(ROOT))?.listedMs, undefined)
  })

  it('knows no way to the root for a folder met by its id alone', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(5, { folders: [sampleFolder(6)] }), NOW_MS, NOW_MS)
    assert.equal((await tree.folder(folderId(5)))?.parent, undefined)
    assert.equal(await tree.ancestry(folderId(6)), undefined)
    assert.equal(await tree.ancestry(folderId(99)), undefined)
    await tree.applyListing(sampleListing(0, { folders: [sampleFolder(5)] }), NOW_MS, NOW_MS)
    assert.deepEqual(
      (await tree.ancestry(folderId(6)))?.map((node) => node.id),
      [0, 5, 6],
    )
  })

  it('puts no folder below itself when another tool has turned two folders round', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(0, { folders: [sampleFolder(1)] }), NOW_MS, NOW_MS)
    await tree.applyListing(sampleListing(1, { folders: [sampleFolder(2)] }), NOW_MS, NOW_MS)
    await tree.applyListing(sampleListing(2, { folders: [sampleFolder(1)] }), NOW_MS + 1, NOW_MS + 1)
    assert.equal(await tree.ancestry(folderId(1)), undefined)
    assert.equal((await tree.folder(folderId(1)))?.listedMs, undefined)
    await tree.applyListing(sampleListing(0, { folders: [sampleFolder(2)] }), NOW_MS + 2, NOW_MS + 2)
    assert.deepEqual(
      (await tree.ancestry(folderId(1)))?.map((node) => node.id),
      [0, 2, 1],
    )
  })
}

function ownWrites(open: () => Promise<Tree>): void {
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

function ownWritesAgainstListings(open: () => Promise<Tree>): void {
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

function forgetting(open: () => Promise<Tree>): void {
  it('drops a file or folder that is gone, and calls their folder incomplete', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(1, { files: [sampleFile('file')] }), NOW_MS, NOW_MS)
    await tree.applyListing(sampleListing(0, { folders: [sampleFolder(1), sampleFolder(2)] }), NOW_MS, NOW_MS)
    await tree.forgetFile(fileId('file'))
    assert.equal((await tree.folder(folderId(1)))?.listedMs, undefined)
    assert.equal((await tree.folder(ROOT))?.listedMs, NOW_MS)
    await tree.forgetFolder(folderId(2))
    assert.equal(await tree.folder(folderId(2)), undefined)
    assert.equal((await tree.folder(ROOT))?.listedMs, undefined)
    assert.deepEqual(await tree.counts(), { folders: 1, files: 0 })
  })

  it('forgets a listing, and keeps what it showed', async () => {
    const tree = await open()
    await tree.applyListing(sampleListing(0, { files: [sampleFile('file')] }), NOW_MS, NOW_MS)
    await tree.forgetListing(ROOT)
    assert.equal((await tree.folder(ROOT))?.listedMs, undefined)
    assert.equal((await tree.children(ROOT)).files.length, 1)
  })

  it('takes unknown things to forget for forgotten', async () => {
    const tree = await open()
    await tree.forgetFile(fileId('none'))
    await tree.forgetFolder(folderId(9))
    await tree.forgetListing(folderId(9))
    await tree.forgetFolder(ROOT)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
    assert.notEqual(await tree.folder(ROOT), undefined)
  })
}
