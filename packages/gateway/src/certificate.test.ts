import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { FakeClock } from '@guichet/testkit'
import { endOfCertificate, readCertificate, watchCertificate } from './certificate.ts'
import type { CertificatePair } from './doors/http.ts'
import { selfSigned } from './self-signed.testing.ts'

async function withFiles() {
  const directory = await mkdtemp(path.join(tmpdir(), 'guichet-tls-'))
  const files = { certFile: path.join(directory, 'cert.pem'), keyFile: path.join(directory, 'key.pem') }
  const write = async ({ cert, key }: CertificatePair): Promise<void> => {
    await writeFile(files.certFile, cert)
    await writeFile(files.keyFile, key, { mode: 0o600 })
  }
  const pair = await selfSigned(['guichet.example'])
  await write(pair)
  return { files, write, pair, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}

describe('the certificate of the port (U6)', () => {
  it('is read with its key, and says when it ends (U6)', async () => {
    await using place = await withFiles()
    assert.deepEqual(readCertificate(place.files), place.pair)
    assert.ok(endOfCertificate(place.pair) > Date.now())
  })

  it('is refused when its key can be read by others, or the two do not fit (U6)', async () => {
    await using place = await withFiles()
    await chmod(place.files.keyFile, 0o640)
    assert.throws(() => readCertificate(place.files), { code: 'invalid', hint: /chmod 600/ })
    await chmod(place.files.keyFile, 0o600)
    await place.write({ ...place.pair, key: (await selfSigned(['other.example'])).key })
    assert.throws(() => readCertificate(place.files), /are not a certificate and its key/)
    await place.write({ ...place.pair, cert: 'nonsense' })
    assert.throws(() => readCertificate(place.files), /are not a certificate and its key/)
    await rm(place.files.certFile)
    assert.throws(() => readCertificate(place.files), /cert\.pem cannot be read \(ENOENT\)/)
  })

  it('is changed without a restart when its files are, and stays while they do not fit (U6)', async () => {
    await using place = await withFiles()
    const clock = new FakeClock()
    const used: string[] = []
    const logged: string[] = []
    const note = (_facts: object, message: string): void => void logged.push(message)
    const log = { debug: note, info: note, warn: note, error: note }
    using _watching = watchCertificate({
      files: place.files,
      clock,
      log,
      use: ({ cert }) => void used.push(cert),
    })
    const look = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        if (clock.sleeping > 0) await clock.advance(10_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await look(() => clock.sleeping > 0)
    const renewed = await selfSigned(['guichet.example'])
    await writeFile(place.files.certFile, renewed.cert)
    await look(() => logged.length === 1)
    assert.match(logged[0] ?? '', /the old certificate stays in use: .* are not a certificate and its key/)
    await place.write(renewed)
    await look(() => logged.length === 2)
    assert.deepEqual([used, logged[1]], [[renewed.cert], 'a new certificate is in use'])
  })
})
