import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FolderId, GatewayError, parseKeyId, ROOT } from '@guichet/core'
import { tellRoot } from './confined.ts'

const KEY = { key: parseKeyId('k-aaaaaaaa'), name: 'kodi', root: 7 as FolderId, rootPath: '/films' }

describe('a confined key that finds nothing', () => {
  it('is told how far it sees, after what there is to say anyway', () => {
    const failure = new GatewayError('not-found', 'there is no /b', { hint: 'look again' })
    const told = GatewayError.from(tellRoot(KEY, failure))
    assert.deepEqual([told.code, told.message], ['not-found', 'there is no /b'])
    assert.equal(
      told.hint,
      'look again; the key "kodi" sees only /films: make one with another `--root` to see more',
    )
    const bare = GatewayError.from(tellRoot(KEY, new GatewayError('not-found', 'there is no /b')))
    assert.match(bare.hint ?? '', /^the key "kodi" sees only \/films/)
  })

  it('hears the rest unchanged, as does a key for everything', () => {
    const gone = new GatewayError('not-found', 'there is no /b')
    for (const other of [new GatewayError('forbidden', 'no'), new Error('x'), 'y'])
      assert.equal(tellRoot(KEY, other), other)
    assert.equal(tellRoot({ ...KEY, root: ROOT }, gone), gone)
  })
})
