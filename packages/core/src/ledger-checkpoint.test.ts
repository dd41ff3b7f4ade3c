import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkpointText,
  isSigned,
  isSignedBy,
  parseCheckpoint,
  parseVerifierKey,
  signedNote,
  verifierKeyText,
} from './index.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const ed25519 = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' }),
    signature,
  )

/** From the tests of golang.org/x/mod/sumdb/note, where the format comes from. */
const VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const SIGNER = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const SIGNED = `${TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

describe('a checkpoint', () => {
  it('is signed and checked as the vectors of the signed note are (K17)', () => {
    const key = parseVerifierKey(VERIFIER, sha256)
    assert.equal(key.name, 'PeterNeumann')
    assert.equal(verifierKeyText(key, sha256), VERIFIER)
    assert.equal(isSignedBy(SIGNED, key, sha256, ed25519), true)
    const seed = Buffer.from(SIGNER, 'base64').subarray(1)
    const signer = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
    assert.equal(signedNote(TEXT, key, sign(null, Buffer.from(TEXT), signer), sha256), SIGNED)
  })

  it('is one of C2SP: an independent reader takes it (K17)', () => {
    const root = sha256(Buffer.from('root'))
    const { key, note } = signedBy(SIGNER, { origin: 'example.org/ledger', size: 15_368_405, root })
    const read = readCheckpoint(note)
    assert.deepEqual(
      { origin: read.origin, size: read.size, root: read.root.toString('hex') },
      { origin: 'example.org/ledger', size: 15_368_405n, root: Buffer.from(root).toString('hex') },
    )
    const name = Buffer.from('example.org/ledger')
    const id = sha256(Buffer.concat([name, Buffer.of(0x0a, 0x01), key.publicKey])).subarray(0, 4)
    assert.deepEqual(read.signatures[0]?.id, Buffer.from(id))
    assert.equal(ed25519(key.publicKey, read.signed, read.signatures[0]?.signature ?? Buffer.of()), true)
  })

  it('comes back as it was written, whatever it says', () => {
    const origin = fc.string({ minLength: 1 }).filter((text) => !/[\s+]/.test(text) && text.isWellFormed())
    const root = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(origin, fc.maxSafeNat(), root, (name, size, hash) => {
        const { key, note } = signedBy(SIGNER, { origin: name, size, root: hash })
        assert.deepEqual(parseCheckpoint(note), { origin: name, size, root: hash })
        assert.equal(isSigned(note), true)
        assert.equal(isSigned(checkpointText({ origin: name, size, root: hash })), false)
        assert.equal(isSignedBy(note, key, sha256, ed25519), true)
      }),
      { numRuns: 50 },
    )
  })

  it('is not believed once a character of it is another (K17)', () => {
    const { key, note } = signedBy(SIGNER, { origin: 'ledger', size: 40, root: sha256(Buffer.from('x')) })
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.constantFrom('0', 'A', ' ', '\n', '='), (at, character) => {
        const changed = `${note.slice(0, at)}${character}${note.slice(at + 1)}`
        fc.pre(changed !== note)
        assert.equal(believes(changed), false)
      }),
    )
    function believes(text: string): boolean {
      try {
        return isSignedBy(text, key, sha256, ed25519)
      } catch {
        return false
      }
    }
  })

  it('leaves signatures of others aside, and does not take them for its own', () => {
    const other = Buffer.from(sha256(Buffer.from('another seed'))).toString('base64')
    const checkpoint = { origin: 'ledger', size: 1, root: sha256(Buffer.from('x')) }
    const mine = signedBy(SIGNER, checkpoint)
    const theirs = signedBy(
      Buffer.concat([Buffer.of(1), Buffer.from(other, 'base64')]).toString('base64'),
      checkpoint,
    )
    assert.equal(isSignedBy(theirs.note, mine.key, sha256, ed25519), false)
    const both = `${theirs.note}${mine.note.split('\n').at(-2)}\n`
    assert.equal(isSignedBy(both, mine.key, sha256, ed25519), true)
    assert.equal(parseCheckpoint(both).size, 1)
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['a page', '<html>\n'],
    ['a size with a leading zero', `ledger\n01\n${'A'.repeat(43)}=\n`],
    ['a negative size', `ledger\n-1\n${'A'.repeat(43)}=\n`],
    ['a size beyond whole numbers', `ledger\n9007199254740993\n${'A'.repeat(43)}=\n`],
    ['a short root', 'ledger\n1\nAAAA\n'],
    ['a root in another spelling', `ledger\n1\n${'A'.repeat(42)}B=\n`],
    ['no origin', `\n1\n${'A'.repeat(43)}=\n`],
    ['no last line break', `ledger\n1\n${'A'.repeat(43)}=`],
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.throws(() => parseCheckpoint(text), { code: 'invalid', hint: /checkpoint/ })
    })
  }

  it('has a public key that is refused when a character is missing or changed', () => {
    for (const text of ['', VERIFIER.slice(0, -1), VERIFIER.replace('c74f20a3', 'c74f20a4'), `x${VERIFIER}`])
      assert.throws(() => parseVerifierKey(text, sha256), { code: 'invalid', hint: /--public-key/ })
  })
})

function signedBy(signerText: string, checkpoint: Parameters<typeof checkpointText>[0]) {
  const seed = Buffer.from(signerText, 'base64').subarray(1)
  const signer = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(signer).export({ format: 'der', type: 'spki' })
  const key = { name: checkpoint.origin, publicKey: new Uint8Array(spki.subarray(-32)) }
  const text = checkpointText(checkpoint)
  return { key, note: signedNote(text, key, sign(null, Buffer.from(text), signer), sha256) }
}

/** https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note, read byte by byte and with nothing of ours. */
function readCheckpoint(note: string) {
  const bytes = Buffer.from(note, 'utf8')
  const split = bytes.lastIndexOf('\n\n')
  assert.ok(split > 0)
  const signed = bytes.subarray(0, split + 1)
  const [origin, size, root, ...rest] = signed.toString('utf8').split('\n')
  assert.deepEqual(rest, [''])
  assert.match(size ?? '', /^(0|[1-9][0-9]*)$/)
  const signatures = bytes
    .subarray(split + 2)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [dash, name, text] = line.split(' ')
      assert.equal(dash, '\u2014')
      const decoded = Buffer.from(text ?? '', 'base64')
      assert.equal(decoded.length, 4 + 64)
      return { name, id: decoded.subarray(0, 4), signature: decoded.subarray(4) }
    })
  return { origin, size: BigInt(size ?? ''), root: Buffer.from(root ?? '', 'base64'), signed, signatures }
}
