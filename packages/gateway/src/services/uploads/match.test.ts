import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileEntry, parseFileId, parseTransferId, type StoredFile, type Transfer } from '@guichet/core'
import { sampleFile } from '@guichet/testkit'
import { candidatesFor, verifyReport } from './match.ts'
import { FOLDER, KEY } from './world.testing.ts'

const HASH = 'a'.repeat(128)
const OTHER = 'b'.repeat(128)

describe('a report compared with what was sent', () => {
  it('is good when name, size and Whirlpool agree', () => {
    const { stored, corrupt, missing } = verifyReport([sent(1, 'a', HASH)], [reported('a', HASH)])
    assert.deepEqual([stored.length, corrupt.length, missing.length], [1, 0, 0])
  })

  it('shows damage by size and by Whirlpool', () => {
    for (const file of [reported('a', OTHER), { ...reported('a', HASH), sizeBytes: 9 }]) {
      const { stored, corrupt } = verifyReport([sent(1, 'a', HASH)], [file])
      assert.deepEqual([stored.length, corrupt.length], [0, 1])
    }
  })

  it('proves nothing without a Whirlpool, and misses what it leaves out', () => {
    const { stored, corrupt, missing } = verifyReport(
      [sent(1, 'a', HASH), sent(2, 'b', HASH)],
      [reported('a', undefined)],
    )
    assert.deepEqual([stored.length, corrupt.length], [0, 0])
    assert.deepEqual(
      missing.map(({ name }) => name),
      ['b', 'a'],
    )
  })

  it('knows a file by its content when 1fichier writes its name differently', () => {
    const { stored } = verifyReport([sent(1, 'cafe\u0301', HASH)], [reported('caf\u00e9', HASH)])
    assert.equal(stored[0]?.file.name, 'caf\u00e9')
  })

  it('does not let a file that somebody else sent count as damage of ours', () => {
    const { stored, corrupt } = verifyReport(
      [sent(1, 'a', HASH)],
      [reported('a', HASH), reported('stranger', OTHER)],
    )
    assert.deepEqual([stored.length, corrupt.length], [1, 0])
  })
})

describe('a listing looked through for what was sent', () => {
  const listed = (word: string, fields: Partial<FileEntry> = {}): FileEntry =>
    sampleFile(word, { name: word, sizeBytes: 10, whirlpool: HASH, dateMs: 1_000, ...fields })

  it('has it under the same name with the same content, not older than the sending', () => {
    const files = [
      listed('a'),
      listed('a', { whirlpool: undefined }),
      listed('a', { dateMs: 949 }),
      listed('a', { whirlpool: OTHER }),
      listed('a', { sizeBytes: 9 }),
      listed('b'),
    ]
    assert.deepEqual(candidatesFor(sent(1, 'a', HASH), files, 950), files.slice(0, 2))
  })

  it('has it under its name in another Unicode form', () => {
    const file = listed('cafe', { name: 'caf\u00e9' })
    assert.deepEqual(candidatesFor(sent(1, 'cafe\u0301', HASH), [file], 950), [file])
  })
})

function sent(number: number, name: string, whirlpool: string): Transfer {
  return {
    id: parseTransferId(String(number).padStart(16, '0')),
    upload: 'u1',
    key: KEY,
    folder: FOLDER,
    name,
    sizeBytes: 10,
    whirlpool,
    attempts: 0,
    createdMs: 0,
    isClaimed: false,
    state: { kind: 'spooled' },
  }
}

function reported(name: string, whirlpool: string | undefined): StoredFile {
  return { link: { domain: '1fichier.com', id: parseFileId('abcde12345') }, name, sizeBytes: 10, whirlpool }
}
