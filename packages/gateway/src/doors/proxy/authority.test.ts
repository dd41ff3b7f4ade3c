import 'reflect-metadata'
import assert from 'node:assert/strict'
import {
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate as NodeCertificate,
  webcrypto,
} from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { connect } from 'node:tls'
import { DAY_MS, type ErrorCode, GatewayError, HOUR_MS } from '@guichet/core'
import {
  BasicConstraintsExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { createAuthority, openAuthority } from './authority.ts'
import { run, withoutTool } from './door.testing.ts'

const OPENSSL = withoutTool('openssl')
const RCLONE = withoutTool('rclone')
const NOW_MS = Date.now()

it('makes a certificate and a key that nobody else can read', async () => {
  await using home = await createHome()
  assert.deepEqual((await readdir(home.path)).sort(), ['ca.key', 'ca.pem'])
  assert.equal((await stat(join(home.path, 'ca.key'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(home.path, 'ca.pem'))).mode & 0o777, 0o644)
  const ca = new NodeCertificate(await readFile(join(home.path, 'ca.pem')))
  assert.equal(ca.ca, true)
  assert.equal(Math.round((Date.parse(ca.validTo) - NOW_MS) / DAY_MS), 3_650)
})

it('the authority’s limits are critical: one level, signing only, names of 1fichier.com and no address (K20)', {
  skip: OPENSSL,
}, async () => {
  await using home = await createHome()
  const { stdout } = await run('openssl', ['x509', '-noout', '-text', '-in', join(home.path, 'ca.pem')])
  const text = stdout.replace(/\s+/g, ' ')
  assert.match(text, /Basic Constraints: critical CA:TRUE, pathlen:0/)
  assert.match(text, /Key Usage: critical Certificate Sign X509v3/)
  assert.match(text, /Name Constraints: critical Permitted: DNS:1fichier\.com Excluded: IP:0\.0\.0\.0\/0/)
})

it('openssl accepts the leaf for 1fichier.com and its names', { skip: OPENSSL }, async () => {
  await using home = await createHome()
  const leaf = await (await openAuthority(home.path)).leaf(NOW_MS)
  for (const name of ['1fichier.com', 'api.1fichier.com', 'a-4.1fichier.com']) {
    const { code, stdout } = await verify(home.path, leaf.certPem, ['-verify_hostname', name])
    assert.equal(code, 0, stdout)
  }
  assert.notEqual((await verify(home.path, leaf.certPem, ['-verify_hostname', 'evil.com'])).code, 0)
})

it('openssl refuses what the authority must not sign: other names, addresses, a second authority (K20)', {
  skip: OPENSSL,
}, async () => {
  await using home = await createHome()
  for (const [type, value] of [
    ['dns', 'evil.com'],
    ['dns', 'example.org'],
    ['dns', '1fichier.com.evil.com'],
    ['dns', 'evil1fichier.com'],
    ['ip', '127.0.0.1'],
    ['ip', '2001:db8::1'],
  ] as const) {
    const { certPem } = await sign(home.path, [new SubjectAlternativeNameExtension([{ type, value }])])
    const { code, stderr } = await verify(home.path, certPem)
    assert.notEqual(code, 0, value)
    assert.match(stderr, /error (47|48)/, value)
  }
  const authority = await sign(home.path, [new BasicConstraintsExtension(true, undefined, true)])
  const below = await sign(home.path, [
    new SubjectAlternativeNameExtension([{ type: 'dns', value: '1fichier.com' }]),
  ])
  assert.equal((await verify(home.path, below.certPem)).code, 0)
  await writeFile(join(home.path, 'middle.pem'), authority.certPem)
  const under = await sign(home.path, [], authority)
  const { code } = await verify(home.path, under.certPem, ['-untrusted', join(home.path, 'middle.pem')])
  assert.notEqual(code, 0)
})

it('Node accepts the leaf for our names, and nothing that this authority signs for others', async () => {
  await using home = await createHome()
  const authority = await openAuthority(home.path)
  const leaf = await authority.leaf(NOW_MS)
  assert.equal(await meet(leaf, authority.caPem, 'api.1fichier.com'), undefined)
  assert.match(String(await meet(leaf, authority.caPem, 'evil.com')), /does not match certificate/)
  const evil = await sign(home.path, [
    new SubjectAlternativeNameExtension([{ type: 'dns', value: 'evil.com' }]),
  ])
  assert.match(String(await meet(evil, authority.caPem, 'evil.com')), /permitted subtree violation/)
})

it('Go (rclone) refuses what the authority must not sign', { skip: RCLONE }, async () => {
  await using home = await createHome()
  const evil = await sign(home.path, [
    new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
  ])
  const server = createServer({ key: evil.keyPem, cert: evil.certPem }, (_request, response) => {
    response.end('reached')
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await run('rclone', [
    ...['lsf', ':http:', '--http-url', `https://localhost:${port}`, '--config', '/dev/null'],
    ...['--ca-cert', join(home.path, 'ca.pem'), '--retries', '1', '--low-level-retries', '1'],
  ])
  server.close()
  assert.notEqual(code, 0)
  assert.match(stderr, /not permitted by any constraint|not authorized to sign for this name/)
})

it('keeps a leaf until shortly before its end, and makes another when the clock was set back', async () => {
  await using home = await createHome()
  const authority = await openAuthority(home.path)
  const first = await authority.leaf(NOW_MS)
  assert.equal(await authority.leaf(NOW_MS + 6 * DAY_MS - 1), first)
  const second = await authority.leaf(NOW_MS + 6 * DAY_MS)
  assert.notEqual(second.certPem, first.certPem)
  assert.notEqual(second.keyPem, first.keyPem)
  const third = await authority.leaf(NOW_MS - HOUR_MS)
  assert.notEqual(third, second)
  const validTo = Date.parse(new NodeCertificate(third.certPem).validTo)
  assert.ok(validTo <= NOW_MS - HOUR_MS + 7 * DAY_MS)
})

it('no leaf outlives the authority, and an expired authority says what to do', async () => {
  await using home = await createHome()
  const authority = await openAuthority(home.path)
  const endMs = Date.parse(new NodeCertificate(authority.caPem).validTo)
  const leaf = await authority.leaf(endMs - HOUR_MS)
  assert.equal(Date.parse(new NodeCertificate(leaf.certPem).validTo), endMs)
  assert.equal(await authority.leaf(endMs - 1), leaf)
  await refused(authority.leaf(endMs), 'unavailable', /expired/)
})

it('leaves no key of a leaf on the disk', async () => {
  await using home = await createHome()
  await (await openAuthority(home.path)).leaf(NOW_MS)
  assert.deepEqual((await readdir(home.path)).sort(), ['ca.key', 'ca.pem'])
})

it('does not replace an authority, and completes one whose making was interrupted', async () => {
  await using home = await createHome()
  const before = await readFile(join(home.path, 'ca.pem'), 'utf8')
  await refused(createAuthority(home.path, NOW_MS), 'conflict', /already/)
  assert.equal(await readFile(join(home.path, 'ca.pem'), 'utf8'), before)
  await rm(join(home.path, 'ca.pem'))
  await refused(openAuthority(home.path), 'not-found', /ca\.pem is missing/)
  await createAuthority(home.path, NOW_MS)
  await openAuthority(home.path)
})

it('refuses a home that cannot be written', async () => {
  await refused(createAuthority('/nowhere/at/all', NOW_MS), 'unavailable', /cannot be written \(ENOENT\)/)
})

it('refuses a key that others can read', async () => {
  await using home = await createHome()
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(join(home.path, 'ca.key'), mode)
    await refused(openAuthority(home.path), 'forbidden', /is open to others/)
  }
})

it('refuses missing, empty, foreign and damaged files with one clear error', async () => {
  await using home = await createHome()
  await using other = await createHome()
  const key = join(home.path, 'ca.key')
  const cert = join(home.path, 'ca.pem')
  const [keyPem, certPem] = [await readFile(key, 'utf8'), await readFile(cert, 'utf8')]
  const leaf = await (await openAuthority(home.path)).leaf(NOW_MS)
  const foreignKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  for (const [keyText, certText, pattern] of [
    ['', certPem, /ca\.key is not a private key/],
    ['garbage', certPem, /ca\.key is not a private key/],
    [keyPem.slice(0, 80), certPem, /ca\.key is not a private key/],
    [foreignKey, certPem, /ca\.key is not a P-256 key/],
    [keyPem, '', /ca\.pem is not a certificate/],
    [keyPem, certPem.slice(0, 200), /ca\.pem is not a certificate/],
    [keyPem, leaf.certPem, /ca\.pem is not the certificate of an authority/],
    [keyPem, await readFile(join(other.path, 'ca.pem'), 'utf8'), /do not belong together/],
    [keyPem, `${certPem}${'x'.repeat(70_000)}`, /ca\.pem is too large/],
  ] as const) {
    await writeFile(key, keyText)
    await writeFile(cert, certText)
    const error = await refused(openAuthority(home.path), 'corrupt', pattern)
    assert.equal(error.cause, undefined)
  }
  await writeFile(cert, certPem)
  await rm(key)
  await refused(openAuthority(home.path), 'not-found', /ca\.key is missing/)
})

async function createHome(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-authority-'))
  await createAuthority(path, NOW_MS)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true })
    },
  }
}

interface Pair {
  readonly keyPem: string
  readonly certPem: string
}

/** What somebody who has stolen the authority's key could sign; below `issuer` where one is given. */
async function sign(home: string, extensions: readonly Extension[], issuer?: Pair): Promise<Pair> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
  const caPem = issuer?.certPem ?? (await readFile(join(home, 'ca.pem'), 'utf8'))
  const caKey = createPrivateKey(issuer?.keyPem ?? (await readFile(join(home, 'ca.key'), 'utf8')))
  const pkcs8 = new Uint8Array(caKey.export({ format: 'der', type: 'pkcs8' }))
  const cert = await X509CertificateGenerator.create({
    subject: 'CN=Mallory',
    issuer: new X509Certificate(caPem).subjectName,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, curve, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [...extensions],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    certPem: `${cert.toString('pem')}\n`,
    keyPem: `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  }
}

async function verify(home: string, certPem: string, more: readonly string[] = []) {
  const path = join(home, 'leaf.pem')
  await writeFile(path, certPem)
  return run('openssl', ['verify', '-CAfile', join(home, 'ca.pem'), ...more, path])
}

/** What a client that trusts the authority says of a server with this certificate: its words, or nothing. */
async function meet(pair: Pair, caPem: string, servername: string): Promise<string | undefined> {
  const server = createServer({ key: pair.keyPem, cert: pair.certPem }, (_request, response) => {
    response.end()
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', servername, ca: caPem })
  try {
    await once(socket, 'secureConnect')
    return undefined
  } catch (failure) {
    return String(failure)
  } finally {
    socket.destroy()
    server.close()
  }
}

async function refused(promise: Promise<unknown>, code: ErrorCode, pattern: RegExp): Promise<GatewayError> {
  try {
    await promise
  } catch (failure) {
    assert.ok(failure instanceof GatewayError, String(failure))
    assert.equal(failure.code, code)
    assert.match(failure.message, pattern)
    assert.ok(failure.hint !== undefined && failure.hint.length > 0)
    return failure
  }
  return assert.fail('it was not refused')
}
