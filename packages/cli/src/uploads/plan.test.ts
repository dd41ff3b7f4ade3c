import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiFile } from '@guichet/sdk'
import { decide, FILES_PER_BATCH_MAX, planBatches, type RemoteFolder } from './plan.ts'
import type { Source } from './sources.ts'

function source(name: string, sizeBytes: number): Source {
  return { path: `/local/${name}`, shown: name, names: [name], sizeBytes }
}

function remote(...files: readonly Partial<ApiFile>[]): RemoteFolder {
  const whole = files.map((file) => ({
    kind: 'file' as const,
    id: 'abcde',
    name: 'a',
    path: '/a',
    folderId: 0,
    sizeBytes: 3,
    dateMs: 0,
    link: 'https://1fichier.com/?abcde',
    hasPassword: false,
    ...file,
  }))
  return { files: whole, folderNames: new Set() }
}

describe('what to do with a file', () => {
  const a = source('a', 3)

  it('sends what is not there', () => {
    assert.deepEqual(decide(a, 'a', remote(), undefined, false), { kind: 'send', replaces: false })
    assert.deepEqual(decide(a, 'a', remote({ name: 'b' }), undefined, false), {
      kind: 'send',
      replaces: false,
    })
  })

  it('leaves alone what is there with the same content, also when it may replace', () => {
    const there = remote({ whirlpool: 'same' }, { whirlpool: 'same' })
    assert.deepEqual(decide(a, 'a', there, 'same', false), { kind: 'skip' })
    assert.deepEqual(decide(a, 'a', there, 'same', true), { kind: 'skip' })
  })

  it('replaces what an overwrite that was broken off has left beside the new content', () => {
    const there = remote({ whirlpool: 'other' }, { whirlpool: 'same' })
    assert.deepEqual(decide(a, 'a', there, 'same', true), { kind: 'send', replaces: true })
    assert.deepEqual(decide(a, 'a', there, 'same', false), { kind: 'skip' })
  })

  it('refuses to replace unasked, and replaces when asked', () => {
    for (const there of [remote({ sizeBytes: 4 }), remote({ whirlpool: 'other' }), remote({})]) {
      const decision = decide(a, 'a', there, 'same', false)
      assert.ok(decision.kind === 'refuse' && decision.refused.error.code === 'conflict')
      assert.deepEqual(decide(a, 'a', there, 'same', true), { kind: 'send', replaces: true })
    }
  })
})

describe('batches', () => {
  it('hold one folder each, and no more files than a request takes', () => {
    const count = FILES_PER_BATCH_MAX + 2
    const many = Array.from({ length: count }, (_, index) => ({
      source: source(`${index}`, 1),
      name: `${index}`,
      folder: index === 1 ? '/b' : '/a',
      replaces: false,
    }))
    const shape = planBatches(many).map(({ folder, sends }) => [folder, sends.length])
    assert.deepEqual(shape, [
      ['/a', FILES_PER_BATCH_MAX],
      ['/a', 1],
      ['/b', 1],
    ])
  })
})
