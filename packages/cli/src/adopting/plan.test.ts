import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseVerbs, Secret } from '@guichet/core'
import type { Sighting, Tool } from '@guichet/leaks'
import { keysIn, nextStepOf, pickKey, planFor, VERBS_BY_TOOL } from './plan.ts'
import type { SeenPlace } from './seen-places.ts'

function sighting(fingerprint: string, change: Partial<Sighting> = {}): Sighting {
  return {
    start: 0,
    end: 32,
    line: 1,
    form: 'plain',
    at: 'line 1',
    fingerprint,
    secret: new Secret(fingerprint.repeat(2)),
    ...change,
  }
}

function seen(path: string, sightings: readonly Sighting[], change: Partial<SeenPlace> = {}): SeenPlace {
  return {
    place: { path, tool: 'rclone' },
    content: Buffer.alloc(0),
    mode: 0o600,
    uid: 1000,
    gid: 1000,
    names: 1,
    modifiedMs: 0,
    sightings,
    ...change,
  }
}

const A = 'aaaaaaaaaaaaaaaa'
const B = 'bbbbbbbbbbbbbbbb'

describe('the plan of an adoption (U7)', () => {
  it('has each key once, with every file that has it, the most mentioned first (U7)', () => {
    const keys = keysIn([
      seen('/1', [sighting(B)]),
      seen('/2', [sighting(A), sighting(A)]),
      seen('/3', [sighting(A)]),
    ])
    assert.deepEqual(
      keys.map(({ fingerprint, places }) => [fingerprint, places.map(({ place }) => place.path)]),
      [
        [A, ['/2', '/3']],
        [B, ['/1']],
      ],
    )
    assert.equal(pickKey(keys, 'bb').fingerprint, B)
    for (const wrong of ['', 'c', `${A}a`]) assert.throws(() => pickKey(keys, wrong), { code: 'invalid' })
  })

  it('changes only what it can put back, and leaves the rest to a person (U7)', () => {
    const places = [
      seen('/mine', [sighting(A), sighting(A, { line: 2, form: 'wrapped' })]),
      seen('/of-another', [sighting(A)], { uid: 0 }),
      seen('/two-names', [sighting(A)], { names: 2 }),
      seen('/history', [sighting(A)], { place: { path: '/history', tool: 'shell history' } }),
    ]
    const [key] = keysIn(places)
    assert.ok(key !== undefined)
    const plan = planFor(key, 1000)
    assert.deepEqual(
      plan.changes.map(({ seen: { place }, sightings }) => [place.path, sightings.length]),
      [['/mine', 1]],
    )
    assert.deepEqual(
      plan.byHand.map(({ path, line }) => `${path}:${line}`),
      ['/mine:2', '/of-another:1', '/two-names:1', '/history:1'],
    )
    assert.equal(planFor(key, 0).changes.length, 2, 'root may change the files of others')
  })

  it('gives no tool more than it needs, and says how to go on with each (U7)', () => {
    for (const [tool, verbs] of Object.entries(VERBS_BY_TOOL)) {
      const allowed = parseVerbs(verbs)
      for (const dangerous of ['share', 'password', 'remote-upload', 'ftp', 'direct', 'cdn'] as const)
        assert.ok(!allowed.includes(dangerous), tool)
      const place = { path: '/x', tool: tool as Tool }
      assert.notEqual(nextStepOf({ place, sightings: [] }), '')
    }
    const place = { path: '/x', tool: 'rclone' } as const
    const next = nextStepOf({ place, sightings: [sighting(A, { at: 'the remote "films"' })] })
    assert.equal(next, 'guichet run -- rclone lsf films:')
  })
})
