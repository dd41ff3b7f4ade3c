import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Clock, GatewayError, SECOND_MS, systemCodeOf } from '@guichet/core'
import type { CertificatePair } from './doors/http.ts'
import type { Log } from './log.ts'

/** The files of the port's certificate: with its chain, and its key, as PEM. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** So often the files are looked at; whoever renews certificates does not have to tell anybody. */
const LOOK_EVERY_MS = 10 * SECOND_MS

/** The certificate in these files. Rejects with `invalid` when they do not fit or others can read the key. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): CertificatePair {
  const pair = { cert: readPem(certFile), key: readPem(keyFile) }
  const { mode } = statSync(keyFile)
  if ((mode & 0o077) !== 0) {
    throw new GatewayError('invalid', `other users can reach the key of the certificate, ${keyFile}`, {
      hint: `run \`chmod 600 ${keyFile}\``,
    })
  }
  try {
    createSecureContext(pair)
  } catch (cause) {
    throw new GatewayError('invalid', `${certFile} and ${keyFile} are not a certificate and its key`, {
      hint: 'give the certificate with its chain, and the key without a passphrase, both as PEM',
      cause,
    })
  }
  return pair
}

/** When the first certificate of the file ends. */
export function endOfCertificate({ cert }: CertificatePair): number {
  return new X509Certificate(cert).validToDate.getTime()
}

/** SHA-256 of the first certificate of the file, as `XX:XX:…`. */
export function fingerprintOf({ cert }: CertificatePair): string {
  return new X509Certificate(cert).fingerprint256
}

/**
 * Uses a new certificate as soon as it is there, until it is disposed of.
 * Files that do not fit, as in the middle of a renewal, are told to the log, and the old certificate stays.
 */
export function watchCertificate(options: {
  readonly files: CertificateFiles
  readonly clock: Clock
  readonly log: Log
  readonly use: (pair: CertificatePair) => void
}): Disposable {
  const { files, clock, log, use } = options
  const over = new AbortController()
  const watch = async (): Promise<void> => {
    let before = await stateOf(files)
    while (!over.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, over.signal)
      const now = await stateOf(files)
      if (now === before) continue
      before = now
      try {
        const pair = readCertificate(files)
        use(pair)
        log.info({ until: new Date(endOfCertificate(pair)).toISOString() }, 'a new certificate is in use')
      } catch (failure) {
        const { message, hint = '' } = GatewayError.from(failure)
        log.error({ hint }, `the old certificate stays in use: ${message}`)
      }
    }
  }
  // It ends by the abort of its sleep.
  watch().catch(() => undefined)
  return { [Symbol.dispose]: () => over.abort() }
}

async function stateOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const states = [certFile, keyFile].map(async (name) => {
    const found = await stat(name).catch(() => undefined)
    return found === undefined ? 'missing' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.mode}`
  })
  return (await Promise.all(states)).join(', ')
}

function readPem(name: string): string {
  try {
    return readFileSync(name, 'utf8')
  } catch (cause) {
    throw new GatewayError('invalid', `${name} cannot be read (${systemCodeOf(cause) ?? 'unknown reason'})`, {
      cause,
    })
  }
}
