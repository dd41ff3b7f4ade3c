import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forestFileCount } from './forest.ts'
import { forgetfulJournal, type JournalEntry } from './journal.ts'
import { newFile, newFolder, ROOT_ID } from './records.ts'
import { AccountTree } from './tree.ts'

const FOREST = {
  number: 0,
  mountId: ROOT_ID,
  folders: 100_000,
  filesPerFolder: 10,
  fanout: 100,
  seed: 7,
  sizeBytesMin: 10,
  sizeBytesMax: 20,
  createdMs: 0,
} as const

function treeWithForest(entries: JournalEntry[] = []): { tree: AccountTree; firstFolderId: number } {
  const tree = new AccountTree({ append: (entry) => void entries.push(entry), close: () => undefined })
  const firstFolderId = tree.newFolderId()
  tree.plantForest({ ...FOREST, firstFolderId })
  return { tree, firstFolderId }
}

describe('a tree with a million computed files', () => {
  it('lists any folder, and finds every entry again by its id', () => {
    const { tree, firstFolderId } = treeWithForest()
    assert.equal([...tree.foldersIn(ROOT_ID)].length, 100)
    const deep = tree.folder(firstFolderId + 99_999)
    assert.ok(deep)
    const siblings = [...tree.foldersIn(deep.parentId)]
    assert.ok(siblings.some(({ id }) => id === deep.id))
    const files = [...tree.filesIn(deep.id)]
    assert.equal(files.length, 10)
    for (const file of files) assert.deepEqual(tree.file(file.id), file)
    assert.equal(tree.file('s00zzzzzz00000000000'), undefined)
    assert.equal(forestFileCount({ ...FOREST, firstFolderId }), 1_000_000)
  })

  it('gives every folder exactly one parent that lists it', () => {
    const { tree, firstFolderId } = treeWithForest()
    const seen = new Set<number>()
    const visit = (folderId: number): void => {
      for (const { id } of tree.foldersIn(folderId)) {
        assert.ok(!seen.has(id))
        seen.add(id)
        if (seen.size < 2_000) visit(id)
      }
    }
    visit(ROOT_ID)
    assert.ok(seen.has(firstFolderId))
  })

  it('takes changes of computed entries', () => {
    const { tree, firstFolderId } = treeWithForest()
    const [first, second] = [...tree.filesIn(firstFolderId)]
    assert.ok(first && second)
    tree.saveFile({ ...first, name: 'renamed', folderId: ROOT_ID })
    tree.dropFile(second.id)
    assert.equal([...tree.filesIn(firstFolderId)].length, 8)
    assert.deepEqual(
      [...tree.filesIn(ROOT_ID)].map(({ name }) => name),
      ['renamed'],
    )
    assert.equal(tree.file(second.id), undefined)
    const folder = tree.folder(firstFolderId + 1)
    assert.ok(folder)
    tree.saveFolder({ ...folder, name: 'moved', parentId: firstFolderId })
    assert.equal([...tree.foldersIn(ROOT_ID)].length, 99)
    assert.equal(tree.folder(firstFolderId + 1)?.name, 'moved')
    assert.equal([...tree.filesIn(firstFolderId + 1)].length, 10)
  })

  it('is the same after its changes are replayed', () => {
    const entries: JournalEntry[] = []
    const { tree, firstFolderId } = treeWithForest(entries)
    const [first] = [...tree.filesIn(firstFolderId)]
    assert.ok(first)
    tree.dropFile(first.id)
    tree.saveFolder(newFolder(tree.newFolderId(), ROOT_ID, 'own', 1))
    tree.saveFile(
      newFile({
        id: 'abcdefghij0123456789',
        folderId: ROOT_ID,
        name: 'own.txt',
        sizeBytes: 1,
        storedMs: 1,
        mimeType: 'text/plain',
        content: { kind: 'synthetic', seed: 'x' },
      }),
    )
    const replayed = new AccountTree(forgetfulJournal())
    for (const entry of entries) replayed.replay(entry)
    assert.deepEqual([...replayed.filesIn(firstFolderId)], [...tree.filesIn(firstFolderId)])
    assert.deepEqual([...replayed.foldersIn(ROOT_ID)], [...tree.foldersIn(ROOT_ID)])
    assert.equal(replayed.newFolderId(), tree.newFolderId())
  })
})
