// The library needs the metadata registry before its own first line runs.
import 'reflect-metadata'
import { type KeyObject, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate with its private key, both as PEM. */
export interface Leaf {
  readonly keyPem: string
  readonly certPem: string
}

export interface Validity {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const NAME_CONSTRAINTS = '2.5.29.30'
const DOMAIN = '1fichier.com'

/** A new authority that can sign for names of `1fichier.com` only. */
export async function signCa(validity: Validity): Promise<Leaf> {
  const keys = await createKeys()
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Guichet for 1fichier.com, O=Guichet',
    keys,
    ...datesOf(validity),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], false),
      new Extension(NAME_CONSTRAINTS, true, nameConstraints()),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { keyPem: await keyPemOf(keys.privateKey), certPem: certPemOf(cert) }
}

/** A certificate for `1fichier.com` and every name one label below it. */
export async function signLeaf(options: {
  readonly caPem: string
  readonly caKey: KeyObject
  readonly notBeforeMs: number
  readonly notAfterMs: number
}): Promise<Leaf> {
  const ca = new X509Certificate(options.caPem)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    new Uint8Array(options.caKey.export({ format: 'der', type: 'pkcs8' })),
    CURVE,
    false,
    ['sign'],
  )
  const keys = await createKeys()
  const cert = await X509CertificateGenerator.create({
    subject: `CN=${DOMAIN}`,
    issuer: ca.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    ...datesOf(options),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], false),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: DOMAIN },
        { type: 'dns', value: `*.${DOMAIN}` },
      ]),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { keyPem: await keyPemOf(keys.privateKey), certPem: certPemOf(cert) }
}

async function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify'])
}

async function keyPemOf(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

/** The library's PEM ends without a line feed, and chains are joined by one. */
function certPemOf(cert: X509Certificate): string {
  return `${cert.toString('pem')}\n`
}

function datesOf(validity: Validity): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(validity.notBeforeMs), notAfter: new Date(validity.notAfterMs) }
}

/**
 * NameConstraints of RFC 5280 §4.2.1.10: permitted are DNS names of `1fichier.com`, excluded is every IP address.
 * A constraint of one kind of name says nothing about the other kinds, so addresses need a word of their own.
 */
function nameConstraints(): Uint8Array<ArrayBuffer> {
  const dns = der(0x82, Buffer.from(DOMAIN, 'ascii'))
  const everyV4 = der(0x87, Buffer.alloc(8))
  const everyV6 = der(0x87, Buffer.alloc(32))
  const permitted = der(0xa0, der(0x30, dns))
  const excluded = der(0xa1, Buffer.concat([der(0x30, everyV4), der(0x30, everyV6)]))
  return new Uint8Array(der(0x30, Buffer.concat([permitted, excluded])))
}

/** One DER element; all of ours are shorter than 128 bytes, where the length is one byte. */
function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}
