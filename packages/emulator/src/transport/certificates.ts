import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { certifiedNames } from '../hosts.ts'

type KeyPair = webcrypto.CryptoKeyPair

/** What the TLS server shows, and what clients must trust. */
export interface Certificates {
  readonly caPem: string
  /** Leaf and key for every name of hosts.ts. */
  readonly certPem: string
  readonly keyPem: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
const YEAR_MS = 365 * 86_400_000
const CA_NAME = 'CN=Guichet emulator CA, O=Not 1fichier'

/** Reads the CA of an earlier run from the folder, or makes one and writes it there; the leaf is new each time. */
export async function openCertificates(folder: string, nowMs: number): Promise<Certificates> {
  const caFile = join(folder, 'ca.pem')
  const caKeyFile = join(folder, 'ca-key.pem')
  if (!existsSync(caFile) || !existsSync(caKeyFile)) {
    const made = await makeCa(nowMs)
    writeFileSync(caKeyFile, made.keyPem, { mode: 0o600 })
    writeFileSync(caFile, made.certPem)
  }
  const caPem = readFileSync(caFile, 'utf8')
  const caKey = await importKey(readFileSync(caKeyFile, 'utf8'))
  const leaf = await makeLeaf(new X509Certificate(caPem), caKey, nowMs)
  return { caPem, ...leaf }
}

async function makeCa(nowMs: number): Promise<{ certPem: string; keyPem: string }> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name: CA_NAME,
      notBefore: new Date(nowMs - YEAR_MS),
      notAfter: new Date(nowMs + 10 * YEAR_MS),
      signingAlgorithm: SIGNING,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: await exportKey(keys) }
}

async function makeLeaf(
  ca: X509Certificate,
  caKey: webcrypto.CryptoKey,
  nowMs: number,
): Promise<{ certPem: string; keyPem: string }> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: 'CN=1fichier.com',
      issuer: ca.subject,
      notBefore: new Date(nowMs - 86_400_000),
      notAfter: new Date(nowMs + YEAR_MS),
      signingAlgorithm: SIGNING,
      publicKey: keys.publicKey,
      signingKey: caKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(certifiedNames().map((value) => ({ type: 'dns', value }))),
        await AuthorityKeyIdentifierExtension.create(ca.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: await exportKey(keys) }
}

async function makeKeys(): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function exportKey(keys: KeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return String(
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
  )
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' })
  return await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

// Positive, and too long to meet by chance.
function serial(): string {
  return `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`
}
