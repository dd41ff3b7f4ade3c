import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LISTING_RESULTS_MAX, ROOT, type Tree } from '@guichet/core'
import { fileId, folderId, sampleFile, sampleFolder, sampleListing } from '../samples.ts'
import { ownWrites, ownWritesAgainstListings } from './tree-own-writes.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

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

  it('keeps what it knows beyond a listing that is full, whatever that says of its length', async () => {
    const tree = await open()
    const last = sampleListing(0, { folders: [sampleFolder(6_000)], files: [sampleFile('last')] })
    await tree.applyListing(last, NOW_MS, NOW_MS)
    const folders = Array.from({ length: LISTING_RESULTS_MAX - 1 }, (_, index) => sampleFolder(index + 1))
    await tree.applyListing(
      sampleListing(0, { folders, files: [sampleFile('first')], fileCount: 1 }),
      NOW_MS + 1,
      NOW_MS + 1,
    )
    assert.notEqual(await tree.folder(folderId(6_000)), undefined)
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
