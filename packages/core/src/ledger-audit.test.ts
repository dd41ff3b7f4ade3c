import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  hex,
  type KeptEntry,
  LedgerAudit,
  type LedgerReport,
  leafBytes,
  leafHash,
  type NumberedEntry,
  TreeEdge,
  type TreeHead,
} from './index.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

describe('the bytes of an entry', () => {
  it('are one spelling, stated to the character', () => {
    const bytes = leafBytes({
      ...entry(7),
      target: '/é "x"\n\u0000\ud800',
      decision: 'deny',
      reason: 'the key may not',
    })
    assert.equal(
      Buffer.from(bytes).toString('utf8'),
      '["guichet-ledger",1,7,1767225600007,"r-7","owner","api","list","/é \\"x\\"\\n\\u0000\ufffd","deny","the key may not"]',
    )
  })

  it('differ for entries that differ', () => {
    fc.assert(
      fc.property(anEntry, anEntry, (one, other) => {
        const isEqual = JSON.stringify(well(one)) === JSON.stringify(well(other))
        assert.equal(hex(leafBytes(one)) === hex(leafBytes(other)), isEqual)
      }),
    )
  })
})

describe('an audit', () => {
  it('finds nothing in a ledger that is as it was recorded, and gives its tree (K17)', () => {
    fc.assert(
      fc.property(fc.array(anEntry, { maxLength: 40 }), fc.nat(), (entries, at) => {
        const { kept, heads } = record(entries)
        const anchor = heads[at % heads.length] ?? assert.fail()
        const report = audit(kept, [anchor])
        assert.equal(report.problem, undefined)
        assert.equal(report.head.size, entries.length)
        assert.equal(hex(report.head.root), hex(heads.at(-1)?.root ?? Buffer.of()))
      }),
    )
  })

  it('names the entry whose text was changed, field by field (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), aField, ({ kept }, which, [field, value]) => {
        const at = which % kept.length
        const changed = kept.map((one, index) => (index === at ? { ...one, [field]: value } : one))
        const { problem, head } = audit(changed, [])
        assert.deepEqual([problem?.kind, problem?.first, problem?.last], ['edited', at + 1, at + 1])
        assert.equal(head.size, at, 'what is before it is good')
      }),
    )
  })

  it('names the few entries among which one was changed and hashed anew (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), ({ kept, heads }, which) => {
        const at = which % kept.length
        const changed = kept.map((one, index) =>
          index === at ? withLeaf({ ...one, target: 'changed' }) : one,
        )
        const { problem } = audit(changed, [heads.at(-1) ?? assert.fail()])
        assert.ok(
          problem !== undefined && problem.first <= at + 1 && problem.last >= at + 1,
          problem?.message,
        )
      }),
    )
  })

  it('names where entries were taken out (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), fc.nat(), ({ kept, heads }, from, length) => {
        const start = from % kept.length
        const end = Math.min(kept.length, start + 1 + (length % 3))
        const { problem } = audit([...kept.slice(0, start), ...kept.slice(end)], heads.slice(-1))
        assert.equal(problem?.first, start + 1)
        assert.equal(problem?.last, end === kept.length ? kept.length : end)
        assert.equal(problem?.kind, end === kept.length ? 'cut' : 'missing')
      }),
    )
  })

  it('names the first of two entries that changed places (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), fc.nat(), ({ kept }, one, other) => {
        const [low, high] = [one % kept.length, other % kept.length].sort((a, b) => a - b)
        if (low === undefined || high === undefined || low === high) return
        const swapped = kept.map((entry, index) => {
          const from = index === low ? kept[high] : index === high ? kept[low] : entry
          return { ...(from ?? entry), sequence: index + 1 }
        })
        assert.equal(audit(swapped, []).problem?.first, low + 1)
      }),
    )
  })

  it('names an entry that was put in, at the end or between others (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), ({ kept }, which) => {
        const at = which % (kept.length + 1)
        const more = { ...entry(0), target: 'put in' }
        const numbered = [...kept.slice(0, at), { ...more, hashes: new Uint8Array() }, ...kept.slice(at)]
        const { problem } = audit(
          numbered.map((one, index) => ({ ...one, sequence: index + 1 })),
          [],
        )
        assert.deepEqual([problem?.kind, problem?.first], ['unhashed', at + 1])
      }),
    )
  })

  it('is not deceived by a history that was hashed anew: a checkpoint stands against it (K17)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), fc.nat(), ({ kept, heads }, which, where) => {
        const at = which % kept.length
        const anchors = [heads[where % heads.length], heads.at(-1)].filter((head) => head !== undefined)
        const forged = record(
          kept.map((one, index) => (index === at ? { ...one, target: 'forged' } : one)),
        ).kept
        const { problem } = audit(forged, anchors)
        assert.equal(problem?.kind, 'rewritten')
        assert.ok(problem.first <= at + 1 && problem.last >= at + 1, problem.message)
      }),
    )
  })

  it('finds an old copy that was put back by a checkpoint that is younger (R7)', () => {
    fc.assert(
      fc.property(ledger, fc.nat(), ({ kept, heads }, which) => {
        const size = which % kept.length
        const { problem } = audit(kept.slice(0, size), heads.slice(-1))
        assert.deepEqual([problem?.kind, problem?.first, problem?.last], ['cut', size + 1, kept.length])
      }),
    )
  })

  it('finds that the end was cut by how many the database has ever written', () => {
    const { kept } = record([entry(1), entry(2)])
    const audited = new LedgerAudit(sha256, [])
    for (const one of kept.slice(0, 1)) audited.add(one)
    assert.deepEqual(audited.finish(2).problem?.kind, 'cut')
  })

  it('goes on from what is known to be good', () => {
    const { kept, heads } = record(Array.from({ length: 20 }, (_, index) => entry(index)))
    const from = new TreeEdge(sha256)
    for (const one of kept.slice(0, 13)) from.append(leafHash(sha256, leafBytes(one)))
    const audited = new LedgerAudit(
      sha256,
      [{ ...(heads[20] ?? assert.fail()), source: 'a checkpoint' }],
      from,
    )
    for (const one of kept.slice(13)) audited.add(one)
    assert.equal(audited.finish().problem, undefined)
  })
})

const text = fc.string({ unit: 'binary', maxLength: 12 })
const anEntry: fc.Arbitrary<NumberedEntry> = fc.record({
  sequence: fc.constant(1),
  atMs: fc.maxSafeNat(),
  requestId: text,
  key: fc.constantFrom('owner', 'nobody'),
  door: fc.constantFrom('native', 'proxy', 'api', 'admin'),
  verb: fc.constantFrom('list', 'delete', 'admin'),
  target: text,
  decision: fc.constantFrom('allow', 'deny'),
  reason: text,
})
const ledger = fc.array(anEntry, { minLength: 1, maxLength: 40 }).map(record)
const aField = fc.constantFrom<readonly [string, string | number]>(
  ['atMs', -1],
  ['requestId', 'another request'],
  ['key', 'k-another'],
  ['door', 'another'],
  ['verb', 'another'],
  ['target', '/another/target'],
  ['decision', 'another'],
  ['reason', 'another reason'],
)

function entry(number: number): NumberedEntry {
  return {
    sequence: number,
    atMs: Date.UTC(2026, 0, 1) + number,
    requestId: `r-${number}`,
    key: 'owner',
    door: 'api',
    verb: 'list',
    target: '/',
    decision: 'allow',
    reason: '',
  }
}

/** What a ledger keeps of entries, and its tree after each, beginning with the empty one. */
function record(entries: readonly NumberedEntry[]): {
  readonly kept: readonly KeptEntry[]
  readonly heads: readonly TreeHead[]
} {
  const edge = new TreeEdge(sha256)
  const heads = [{ size: 0, root: edge.root() }]
  const kept = entries.map((one, index) => {
    const numbered = { ...one, sequence: index + 1 }
    const hashes = Buffer.concat(edge.append(leafHash(sha256, leafBytes(numbered))))
    heads.push({ size: index + 1, root: edge.root() })
    return { ...numbered, hashes }
  })
  return { kept, heads }
}

function audit(kept: readonly KeptEntry[], heads: readonly TreeHead[]): LedgerReport {
  const audited = new LedgerAudit(
    sha256,
    heads.map((head) => ({ ...head, source: `the checkpoint of ${head.size} entries` })),
  )
  for (const one of kept) audited.add(one)
  return audited.finish()
}

function withLeaf(one: KeptEntry): KeptEntry {
  return { ...one, hashes: Buffer.concat([leafHash(sha256, leafBytes(one)), one.hashes.subarray(32)]) }
}

function well(one: NumberedEntry): NumberedEntry {
  return {
    ...one,
    requestId: one.requestId.toWellFormed(),
    target: one.target.toWellFormed(),
    reason: one.reason.toWellFormed(),
  }
}
