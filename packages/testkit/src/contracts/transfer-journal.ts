import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseKeyId, type Transfer, type TransferJournal, type TransferState } from '@guichet/core'
import { fileId, folderId, sampleTransfer, transferId } from '../samples.ts'

const STORED: TransferState = {
  kind: 'stored',
  link: { domain: '1fichier.com', id: fileId('stored') },
  storedMs: 5_000,
}
const FAILED: TransferState = { kind: 'failed', code: 'corrupt', message: 'it differs', failedMs: 6_000 }
const EVERY_STATE: readonly TransferState[] = [
  { kind: 'spooled' },
  { kind: 'sending', node: 'up2.1fichier.com', uploadId: 'abc', startedMs: 1 },
  { kind: 'reporting', node: 'up2.1fichier.com', xid: 'abc', startedMs: 1 },
  { kind: 'doubtful', node: 'up2.1fichier.com', xid: 'abc', startedMs: 1, sinceMs: 2, isTaken: true },
  STORED,
  FAILED,
]

/** What every `TransferJournal` does. `open` gives an empty one. */
export function journalContract(name: string, open: () => Promise<TransferJournal>): void {
  describe(`${name} is a TransferJournal`, () => {
    it('gives a transfer back as it was, in every state', async () => {
      const journal = await open()
      const transfers = EVERY_STATE.map((state, index) =>
        sampleTransfer(index, { state, key: parseKeyId('k-00000001'), attempts: index, name: 'é.txt' }),
      )
      await journal.add(transfers)
      for (const transfer of transfers) assert.deepEqual(await journal.get(transfer.id), transfer)
      assert.equal(await journal.get(transferId(99)), undefined)
    })

    it('takes all of several transfers or none', async () => {
      const journal = await open()
      await journal.add([sampleTransfer(1)])
      await assert.rejects(journal.add([sampleTransfer(2), sampleTransfer(1)]), { code: 'conflict' })
      assert.equal(await journal.get(transferId(2)), undefined)
    })

    it('finds the transfers of one upload in the order they were added', async () => {
      const journal = await open()
      await journal.add([3, 1, 2].map((number) => sampleTransfer(number, { upload: 'one' })))
      await journal.add([sampleTransfer(4, { upload: 'two' })])
      assert.deepEqual(
        (await journal.byUpload('one')).map((transfer) => transfer.id),
        [transferId(3), transferId(1), transferId(2)],
      )
      assert.deepEqual(await journal.byUpload('three'), [])
    })

    it('gives what is unfinished, oldest first', async () => {
      const journal = await open()
      await journal.add(
        EVERY_STATE.map((state, index) => sampleTransfer(index, { state, createdMs: 100 - index })),
      )
      assert.deepEqual(
        (await journal.unfinished()).map((transfer) => transfer.state.kind),
        ['doubtful', 'reporting', 'sending', 'spooled'],
      )
    })

    it('moves several transfers together, all or none', async () => {
      const journal = await open()
      await journal.add([sampleTransfer(1), sampleTransfer(2)])
      const sending: TransferState = {
        kind: 'sending',
        node: 'up2.1fichier.com',
        uploadId: 'x',
        startedMs: 9,
      }
      await journal.advance([
        { id: transferId(1), state: sending, attempts: 1 },
        { id: transferId(2), state: sending },
      ])
      assert.deepEqual(await journal.get(transferId(1)), sampleTransfer(1, { state: sending, attempts: 1 }))
      assert.deepEqual(await journal.get(transferId(2)), sampleTransfer(2, { state: sending }))
      const change = { id: transferId(1), state: STORED }
      await assert.rejects(journal.advance([change, { id: transferId(9), state: STORED }]), {
        code: 'not-found',
      })
      assert.deepEqual((await journal.get(transferId(1)))?.state, sending)
    })

    it('lets a repeated upload find content that no client knows of', async () => {
      const journal = await open()
      const transfer = sampleTransfer(1)
      await journal.add([transfer])
      assert.deepEqual(await journal.unclaimed(transfer), transfer)
      const others: readonly Partial<Transfer>[] = [
        { key: parseKeyId('k-00000001') },
        { folder: folderId(8) },
        { name: 'other' },
        { sizeBytes: 13 },
        { whirlpool: 'cd'.repeat(64) },
      ]
      for (const other of others) assert.equal(await journal.unclaimed({ ...transfer, ...other }), undefined)
    })

    it('offers neither what is claimed nor what has failed', async () => {
      const journal = await open()
      await journal.add([sampleTransfer(1), sampleTransfer(2, { state: FAILED })])
      await journal.claim([transferId(1)])
      assert.equal((await journal.get(transferId(1)))?.isClaimed, true)
      assert.equal(await journal.unclaimed(sampleTransfer(1)), undefined)
      assert.equal(await journal.unclaimed(sampleTransfer(2)), undefined)
    })

    it('gives a transfer to another upload, once nobody has it', async () => {
      const journal = await open()
      await journal.add([sampleTransfer(1), sampleTransfer(2, { state: FAILED }), sampleTransfer(3)])
      await journal.claim([transferId(3)])
      const adopted = await journal.adopt(transferId(1), 'upload-9')
      assert.deepEqual(adopted, sampleTransfer(1, { upload: 'upload-9' }))
      assert.deepEqual(await journal.byUpload('upload-9'), [adopted])
      for (const number of [2, 3, 99])
        assert.equal(await journal.adopt(transferId(number), 'upload-9'), undefined)
      assert.equal((await journal.get(transferId(3)))?.upload, 'upload-3')
    })

    it('tells by which transfer a file was stored', async () => {
      const journal = await open()
      await journal.add([sampleTransfer(1), sampleTransfer(2)])
      assert.equal(await journal.storedAs(fileId('stored')), undefined)
      await journal.advance([{ id: transferId(2), state: STORED }])
      assert.equal((await journal.storedAs(fileId('stored')))?.id, transferId(2))
      assert.equal(await journal.storedAs(fileId('other')), undefined)
    })

    it('counts what is stored in a folder that was shown as claimed', async () => {
      const journal = await open()
      await journal.add([
        sampleTransfer(1, { state: STORED }),
        sampleTransfer(2, { state: STORED, folder: folderId(8) }),
        sampleTransfer(3),
      ])
      await journal.claimFolder(folderId(7))
      const claimed = await Promise.all(
        [1, 2, 3].map(async (number) => (await journal.get(transferId(number)))?.isClaimed),
      )
      assert.deepEqual(claimed, [true, false, false])
    })

    it('forgets only what ended before a moment', async () => {
      const journal = await open()
      await journal.add(EVERY_STATE.map((state, index) => sampleTransfer(index, { state })))
      assert.equal(await journal.prune(5_000), 0)
      assert.equal(await journal.prune(6_000), 1)
      assert.deepEqual(await journal.counts(), {
        spooled: 1,
        sending: 1,
        reporting: 1,
        doubtful: 1,
        stored: 0,
        failed: 1,
      })
    })
  })
}
