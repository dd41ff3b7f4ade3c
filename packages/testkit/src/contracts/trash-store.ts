import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFileId, parseFolderId, type TrashedFile, type TrashStore } from '@guichet/core'

function trashed(id: string, trashedMs: number): TrashedFile {
  return {
    link: { domain: '1fichier.com', id: parseFileId(id) },
    ...{ name: `name of ${id}`, sizeBytes: 5, key: 'owner', fromPath: '/backup' },
    ...{ from: parseFolderId(1), to: parseFolderId(2), trashedMs, dueMs: trashedMs + 10, state: 'moving' },
  }
}

/** What every `TrashStore` does. `open` gives an empty one. */
export function trashStoreContract(name: string, open: () => Promise<TrashStore>): void {
  describe(`${name} is a TrashStore`, () => {
    it('gives back what was put and not dropped, the oldest first, each file once (K5)', async () => {
      const store = await open()
      const [first, second, third] = [trashed('aaaaa', 3), trashed('bbbbb', 1), trashed('ccccc', 2)]
      await store.put([first, second, third])
      await store.put([{ ...first, state: 'kept' }])
      await store.drop([third.link.id, parseFileId('never')])
      assert.deepEqual(await store.list(), [second, { ...first, state: 'kept' }])
    })
  })
}
