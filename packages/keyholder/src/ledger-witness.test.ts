import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import {
  type CheckpointWish,
  checkpointText,
  consistencyProof,
  hex,
  isSigned,
  isSignedBy,
  leafHash,
  parseCheckpoint,
  parseVerifierKey,
  TreeEdge,
  type TreeHead,
} from '@guichet/core'
import { acceptLedger, WITNESS_FILE } from './ledger-witness.ts'
import { raw, refusal, startWorld, type World } from './world.testing.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

describe('the witness of the ledger', () => {
  it('signs a checkpoint that anybody can check with its public key (K17)', async () => {
    await using world = await startWorld()
    const { note, verifierKey, size } = await world.client.signCheckpoint(wishOf(treeOf(5), 0, 5))
    assert.equal(size, 5)
    const key = parseVerifierKey(verifierKey, sha256)
    assert.equal(isSignedBy(note, key, sha256, verifyEd25519), true)
    const { origin, root } = parseCheckpoint(note)
    assert.equal(origin, key.name)
    assert.equal(hex(root), hex(treeOf(5).head(5).root))
    assert.deepEqual(await world.client.witnessed(), { verifierKey, size: 5 })
  })

  it('keeps the same key over a seal and a rotation, and tells nothing of the data key', async () => {
    await using world = await startWorld()
    const before = await world.client.witnessed()
    await world.client.seal()
    await world.client.unseal()
    assert.deepEqual(await world.client.witnessed(), before)
  })

  it('signs nothing while it is sealed (K17)', async () => {
    await using world = await startWorld()
    await world.client.seal()
    for (const work of [world.client.witnessed(), world.client.signCheckpoint(wishOf(treeOf(1), 0, 1))])
      assert.equal((await refusal(work)).code, 'sealed')
    assert.equal(existsSync(witnessOf(world)), false)
  })

  it('keeps what it signed in a file of its owner, whole at every moment', async () => {
    await using world = await startWorld()
    const { note } = await world.client.signCheckpoint(wishOf(treeOf(3), 0, 3))
    assert.equal(readFileSync(witnessOf(world), 'utf8'), note)
    assert.equal(statSync(witnessOf(world)).mode & 0o777, 0o600)
    assert.deepEqual(
      readdirSync(dirname(world.vaultPath)).filter((name) => name.includes('checkpoint')),
      [WITNESS_FILE],
    )
  })

  it('goes on with a ledger that has grown, also in calls at one time (K17)', async () => {
    await using world = await startWorld()
    const tree = treeOf(40)
    let known = 0
    for (const size of [1, 1, 2, 7, 8, 40]) {
      await world.client.signCheckpoint(wishOf(tree, known, size))
      known = size
    }
    const later = treeOf(60)
    const calls = [60, 50, 45].map((size) => world.client.signCheckpoint(wishOf(later, 40, size)))
    await Promise.allSettled(calls)
    assert.ok((await world.client.witnessed()).size >= 45)
    assert.equal(
      parseCheckpoint(readFileSync(witnessOf(world), 'utf8')).size,
      (await world.client.witnessed()).size,
    )
  })

  it('refuses an old copy of the ledger, and stays with what it knows (R7)', async () => {
    await using world = await startWorld()
    const tree = treeOf(30)
    await world.client.signCheckpoint(wishOf(tree, 0, 30))
    const error = await refusal(world.client.signCheckpoint(wishOf(tree, 0, 20)))
    assert.equal(error.code, 'corrupt')
    assert.deepEqual(error.facts, { alarm: 'ledger-cut', entries: 20, signed: 30 })
    assert.match(error.message, /has 20 entries, but 30 are known/)
    assert.match(error.hint ?? '', /ledger accept/)
    assert.equal((await world.client.witnessed()).size, 30)
  })

  it('refuses an old copy that has gone on in another way (R7)', async () => {
    await using world = await startWorld()
    await world.client.signCheckpoint(wishOf(treeOf(30), 0, 30))
    const other = treeOf(50, 20)
    const error = await refusal(world.client.signCheckpoint(wishOf(other, 30, 50)))
    assert.deepEqual(error.facts, { alarm: 'ledger-rewritten', entries: 50, signed: 30 })
  })

  it('refuses a ledger whose entries were rewritten, of any size (K17)', async () => {
    await using world = await startWorld()
    await world.client.signCheckpoint(wishOf(treeOf(30), 0, 30))
    for (const size of [30, 31, 64]) {
      const error = await refusal(world.client.signCheckpoint(wishOf(treeOf(64, 29), 30, size)))
      assert.equal(error.facts['alarm'], 'ledger-rewritten', String(size))
    }
    const error = await refusal(world.client.signCheckpoint({ ...treeOf(64).head(64), proof: [] }))
    assert.equal(error.facts['alarm'], 'ledger-rewritten', 'without a proof')
  })

  it('refuses when its memory was taken away and the ledger shows that it had one (R7)', async () => {
    await using world = await startWorld()
    const tree = treeOf(9)
    const { note } = await world.client.signCheckpoint(wishOf(tree, 0, 9))
    rmSync(witnessOf(world))
    const error = await refusal(world.client.signCheckpoint({ ...wishOf(tree, 0, 9), last: note }))
    assert.equal(error.facts['alarm'], 'ledger-witness-missing')
  })

  it('begins anew with a ledger that another vault has signed', async () => {
    await using old = await startWorld()
    const { note } = await old.client.signCheckpoint(wishOf(treeOf(9), 0, 9))
    await using world = await startWorld()
    await world.client.signCheckpoint({ ...wishOf(treeOf(9), 0, 9), last: note })
  })

  it('refuses a memory that is not its own', async () => {
    await using old = await startWorld()
    const { note } = await old.client.signCheckpoint(wishOf(treeOf(9), 0, 9))
    await using world = await startWorld()
    writeFileSync(witnessOf(world), note, { mode: 0o600 })
    const error = await refusal(world.client.signCheckpoint(wishOf(treeOf(9), 9, 9)))
    assert.equal(error.facts['alarm'], 'ledger-witness-foreign')
  })

  it('refuses a memory that others can write, or that is a link', async () => {
    await using world = await startWorld()
    const tree = treeOf(9)
    await world.client.signCheckpoint(wishOf(tree, 0, 9))
    chmodSync(witnessOf(world), 0o666)
    assert.equal((await refusal(world.client.signCheckpoint(wishOf(tree, 9, 9)))).code, 'invalid')
    rmSync(witnessOf(world))
    symlinkSync('/dev/null', witnessOf(world))
    assert.match((await refusal(world.client.signCheckpoint(wishOf(tree, 9, 9)))).message, /symbolic link/)
  })

  it('goes on from what the owner accepts, and from nothing else (R7)', async () => {
    await using world = await startWorld()
    const { note } = await world.client.signCheckpoint(wishOf(treeOf(30), 0, 30))
    const other = treeOf(50, 10)
    const aside = await acceptLedger(witnessOf(world), other.head(20), 0)
    assert.equal(readFileSync(aside ?? '', 'utf8'), note, 'what it knew is kept')
    assert.equal(isSigned(readFileSync(witnessOf(world), 'utf8')), false)
    const error = await refusal(world.client.signCheckpoint(wishOf(treeOf(50), 20, 50)))
    assert.equal(error.facts['alarm'], 'ledger-rewritten')
    await world.client.signCheckpoint(wishOf(other, 20, 21))
    assert.equal(isSigned(readFileSync(witnessOf(world), 'utf8')), true)
    assert.equal(await acceptLedger(join(dirname(world.vaultPath), 'another'), other.head(1), 0), undefined)
  })

  for (const [what, body] of [
    ['no body', ''],
    ['a size that is none', { size: -1, root: 'A', proof: [] }],
    ['a short root', { size: 1, root: 'AAAA', proof: [] }],
    ['a proof of other things', { size: 1, root: `${'A'.repeat(43)}=`, proof: [1] }],
    ['a last checkpoint that is no text', { size: 1, root: `${'A'.repeat(43)}=`, proof: [], last: 1 }],
  ] as const) {
    it(`refuses a call with ${what}`, async () => {
      await using world = await startWorld()
      const text = body === '' ? '' : JSON.stringify(body)
      const answer = await raw(
        world.socketPath,
        ['POST /ledger/checkpoint HTTP/1.1', `Content-Length: ${text.length}`],
        text,
      )
      assert.match(answer, /^HTTP\/1\.1 400 .*"code":"invalid"/s)
      assert.equal(existsSync(witnessOf(world)), false)
    })
  }

  it('takes the last checkpoint of a ledger for a text and no more', async () => {
    await using world = await startWorld()
    const error = await refusal(world.client.signCheckpoint({ ...wishOf(treeOf(1), 0, 1), last: 'no note' }))
    assert.equal(error.code, 'invalid')
    const unsigned = checkpointText({ origin: 'x', ...treeOf(1).head(1) })
    await world.client.signCheckpoint({ ...wishOf(treeOf(1), 0, 1), last: unsigned })
  })
})

function witnessOf(world: World): string {
  return join(dirname(world.vaultPath), WITNESS_FILE)
}

interface Tree {
  head(size: number): TreeHead
  readonly kept: readonly (readonly Uint8Array[])[]
}

/** A tree that is another one from the entry `otherFrom` on. */
function treeOf(size: number, otherFrom: number = size): Tree {
  const edge = new TreeEdge(sha256)
  const roots = [edge.root()]
  const kept = Array.from({ length: size }, (_, index) => {
    const completed = edge.append(
      leafHash(sha256, Buffer.from(`${index < otherFrom ? 'entry' : 'other'} ${index}`)),
    )
    roots.push(edge.root())
    return completed
  })
  return { kept, head: (at) => ({ size: at, root: roots[at] ?? assert.fail() }) }
}

function wishOf(tree: Tree, known: number, size: number): CheckpointWish {
  const proof =
    known > size
      ? []
      : consistencyProof(
          sha256,
          ({ level, index }) => tree.kept[(index + 1) * 2 ** level - 1]?.[level] ?? assert.fail(),
          known,
          size,
        )
  return { ...tree.head(size), proof }
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey])
  return verify(null, message, createPublicKey({ key, format: 'der', type: 'spki' }), signature)
}
