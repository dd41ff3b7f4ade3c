import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  completedBy,
  consistencyProof,
  edgePlaces,
  hex,
  isConsistent,
  leafHash,
  type NodePlace,
  TreeEdge,
} from './index.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** The leaves and the roots of the first 1 to 8 of them, from the tests of Certificate Transparency (RFC 6962). */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

describe('the tree over the ledger', () => {
  it('has the roots of RFC 6962 (K17)', () => {
    const edge = new TreeEdge(sha256)
    assert.equal(hex(edge.root()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const roots = LEAVES.map((leaf) => {
      edge.append(leafHash(sha256, Buffer.from(leaf, 'hex')))
      return hex(edge.root())
    })
    assert.deepEqual(roots, ROOTS)
  })

  it('has the same root as by definition, after every entry and from its kept nodes (K17)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), (size) => {
        const { leaves, kept } = treeOf(size)
        const edge = new TreeEdge(
          sha256,
          size,
          edgePlaces(size).map((place) => kept(place)),
        )
        assert.equal(hex(edge.root()), hex(byDefinition(leaves)))
        edge.append(leafOf(size))
        assert.equal(hex(edge.root()), hex(byDefinition([...leaves, leafOf(size)])))
      }),
      { numRuns: 60 },
    )
  })

  it('proves that a later tree goes on from an earlier one, as the definition does (K17)', () => {
    fc.assert(
      fc.property(sizes, ([oldSize, newSize]) => {
        const { leaves, kept } = treeOf(newSize)
        const proof = consistencyProof(sha256, kept, oldSize, newSize)
        assert.deepEqual(proof.map(hex), (oldSize === 0 ? [] : proofByDefinition(oldSize, leaves)).map(hex))
        assert.equal(isConsistent(sha256, head(leaves, oldSize), head(leaves, newSize), proof), true)
      }),
    )
  })

  it('believes no other history, size or proof (K17)', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), ([oldSize, newSize], which, byte) => {
        fc.pre(oldSize > 0)
        const { leaves, kept } = treeOf(newSize)
        const proof = consistencyProof(sha256, kept, oldSize, newSize)
        const older = head(leaves, oldSize)
        const newer = head(leaves, newSize)
        const changed = leaves.with(which % oldSize, leafOf(100_000))
        assert.equal(isConsistent(sha256, head(changed, oldSize), newer, proof), false)
        assert.equal(isConsistent(sha256, older, head(changed, newSize), proof), false)
        assert.equal(isConsistent(sha256, older, newer, [...proof, leafOf(1)]), false)
        if (oldSize < newSize) assert.equal(isConsistent(sha256, newer, older, proof), false)
        if (proof.length === 0) return
        const bent = proof.map((hash) => Uint8Array.from(hash))
        const target = bent[which % bent.length] ?? assert.fail()
        target[byte % 32] = (target[byte % 32] ?? 0) ^ 1
        assert.equal(isConsistent(sha256, older, newer, bent), false)
        assert.equal(isConsistent(sha256, older, newer, proof.slice(1)), false)
      }),
    )
  })
})

const sizes = fc
  .tuple(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 130 }))
  .map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const)

function leafOf(number: number): Uint8Array {
  return leafHash(sha256, Buffer.from(`leaf ${number}`))
}

/** What a ledger keeps: with each entry the nodes it completes. */
function treeOf(size: number): {
  readonly leaves: readonly Uint8Array[]
  kept(place: NodePlace): Uint8Array
} {
  const leaves = Array.from({ length: size }, (_, index) => leafOf(index))
  const edge = new TreeEdge(sha256)
  const kept = leaves.map((leaf) => edge.append(leaf))
  return {
    leaves,
    kept: (place) =>
      kept[completedBy(place) - 1]?.[place.level] ?? assert.fail(`no node ${JSON.stringify(place)}`),
  }
}

function head(leaves: readonly Uint8Array[], size: number): { size: number; root: Uint8Array } {
  return { size, root: byDefinition(leaves.slice(0, size)) }
}

/** RFC 6962, section 2.1: MTH. */
function byDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves
  if (only === undefined) return sha256(new Uint8Array())
  if (leaves.length === 1) return only
  const split = splitOf(leaves.length)
  const halves = [byDefinition(leaves.slice(0, split)), byDefinition(leaves.slice(split))]
  return sha256(Buffer.concat([Buffer.of(1), ...halves]))
}

/** RFC 6962, section 2.1.2: PROOF and SUBPROOF. */
function proofByDefinition(
  size: number,
  leaves: readonly Uint8Array[],
  isWhole = true,
): readonly Uint8Array[] {
  if (size === leaves.length) return isWhole ? [] : [byDefinition(leaves)]
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return size <= split
    ? [...proofByDefinition(size, left, isWhole), byDefinition(right)]
    : [...proofByDefinition(size - split, right, false), byDefinition(left)]
}

function splitOf(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1)
}
