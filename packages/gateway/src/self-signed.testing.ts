import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'

/** A certificate for some names that signs itself: whoever is told to believe it believes the server. */
export async function selfSigned(names: readonly string[]): Promise<{ key: string; cert: string }> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0] ?? 'nobody'}`,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    cert: cert.toString('pem'),
  }
}
