import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { GatewayError } from '@guichet/core'

/**
 * Whom we believe to be 1fichier: the authorities that come with Node, those of the system, and `extraCa` (PEM).
 * Built once: reading some hundred certificates anew for each connection would cost more than the connection.
 */
export function trustOf(extraCa: string | undefined): SecureContext {
  const extra = extraCa === undefined ? [] : parseCertificates(extraCa)
  const ca = new Set([...getCACertificates('default'), ...getCACertificates('system'), ...extra])
  return createSecureContext({ ca: [...ca], minVersion: 'TLSv1.2' })
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function parseCertificates(pem: string): readonly string[] {
  const found = pem.match(CERTIFICATE) ?? []
  if (found.length === 0 || !found.every(isCertificate)) {
    throw new GatewayError('invalid', 'the extra authority for 1fichier is not a certificate in PEM form', {
      hint: 'let $GUICHET_UPSTREAM_CA name a file that begins with -----BEGIN CERTIFICATE-----',
    })
  }
  return found
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
