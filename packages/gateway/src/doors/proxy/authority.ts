import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY_MS, GatewayError, HOUR_MS, systemCodeOf } from '@guichet/core'
import { type Leaf, signCa, signLeaf } from './certificates.ts'

/** Our certificate authority: good for the names of `1fichier.com` and for nothing else, by its own constraints. */
export interface Authority {
  /** What a client has to trust. */
  readonly caPem: string
  /**
   * The certificate that the proxy door shows, with its key, made in memory; the same object until it is renewed.
   * Rejects with `unavailable` once the authority itself has expired.
   */
  leaf(nowMs: number): Promise<Leaf>
}

const CA_LIFETIME_MS = 10 * 365 * DAY_MS
const LEAF_LIFETIME_MS = 7 * DAY_MS
/** A leaf is renewed so long before its end. */
const LEAF_MARGIN_MS = DAY_MS
/** Clients whose clock is behind ours accept a certificate that was just made. */
const SKEW_MS = HOUR_MS

/** Makes `<home>/ca.key` and `<home>/ca.pem`. Rejects with `conflict` where there is an authority already. */
export async function createAuthority(home: string, nowMs: number): Promise<void> {
  const paths = pathsIn(home)
  if (await exists(paths.cert)) {
    throw new GatewayError('conflict', `there is a certificate authority already in ${home}`, {
      hint: 'clients trust it: keep it, or move ca.pem and ca.key away to make a new one',
    })
  }
  const { keyPem, certPem } = await signCa({
    notBeforeMs: nowMs - SKEW_MS,
    notAfterMs: nowMs + CA_LIFETIME_MS,
  })
  // The certificate goes last: a crash before it leaves no authority, and a second call makes a whole one.
  await writeWhole(paths.key, keyPem, 0o600)
  await writeWhole(paths.cert, certPem, 0o644)
  await syncFolder(home)
}

/** Reads what `createAuthority` made. Rejects with one clear error when it is missing, damaged or open to others. */
export async function openAuthority(home: string): Promise<Authority> {
  const paths = pathsIn(home)
  const caPem = await readAuthorityFile(paths.cert)
  await refuseOpenKey(paths.key)
  const caKey = parseKey(await readAuthorityFile(paths.key), paths.key)
  const ca = parseCert(caPem, paths.cert)
  if (!ca.publicKey.equals(createPublicKey(caKey))) {
    throw damaged('ca.pem and ca.key do not belong together')
  }
  const endMs = Date.parse(ca.validTo)
  let current: { readonly leaf: Leaf; readonly madeMs: number; readonly renewMs: number } | undefined

  return {
    caPem,
    async leaf(nowMs) {
      if (nowMs >= endMs) throw expired(home)
      // A clock set back to before the leaf was made gets a new one, too: clients would call the old one not yet valid.
      if (current !== undefined && nowMs >= current.madeMs - SKEW_MS && nowMs < current.renewMs) {
        return current.leaf
      }
      const notAfterMs = Math.min(nowMs + LEAF_LIFETIME_MS, endMs)
      const leaf = await signLeaf({ caPem, caKey, notBeforeMs: nowMs - SKEW_MS, notAfterMs })
      current = { leaf, madeMs: nowMs, renewMs: notAfterMs === endMs ? endMs : notAfterMs - LEAF_MARGIN_MS }
      return leaf
    },
  }
}

function pathsIn(home: string): { readonly key: string; readonly cert: string } {
  return { key: join(home, 'ca.key'), cert: join(home, 'ca.pem') }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return false
    throw unreadable(path, failure)
  }
}

/** On disk whole or not at all, under the final name only when whole. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.chmod(mode)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (failure) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (systemCodeOf(failure) === 'ENOSPC') throw GatewayError.from(failure)
    throw new GatewayError('unavailable', `${path} cannot be written (${systemCodeOf(failure)})`, {
      hint: 'the folder must exist and belong to the user who runs guichet',
      cause: failure,
    })
  }
}

async function syncFolder(home: string): Promise<void> {
  const folder = await open(home, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Longer files are not what we wrote. */
const LARGEST_PEM_BYTES = 64 * 1024

async function readAuthorityFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > LARGEST_PEM_BYTES) throw damaged(`${path} is too large for a certificate or key`)
    return await readFile(path, 'utf8')
  } catch (failure) {
    if (failure instanceof GatewayError) throw failure
    throw unreadable(path, failure)
  }
}

async function refuseOpenKey(path: string): Promise<void> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) === 0) return
  } catch (failure) {
    throw unreadable(path, failure)
  }
  throw new GatewayError('forbidden', `the key of the certificate authority, ${path}, is open to others`, {
    hint: `run \`chmod 600 ${path}\`; if others could have read it, move the home away and make a new one with \`guichet init\``,
  })
}

function parseKey(text: string, path: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(text)
  } catch {
    // The cause stays out: the message of the parser may quote what it could not parse.
    throw damaged(`${path} is not a private key`)
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw damaged(`${path} is not a P-256 key`)
  return key
}

function parseCert(text: string, path: string): X509Certificate {
  let cert: X509Certificate
  try {
    cert = new X509Certificate(text)
  } catch {
    throw damaged(`${path} is not a certificate`)
  }
  if (!cert.ca) throw damaged(`${path} is not the certificate of an authority`)
  return cert
}

function unreadable(path: string, failure: unknown): GatewayError {
  if (systemCodeOf(failure) === 'ENOENT') {
    return new GatewayError('not-found', `the certificate authority is not there: ${path} is missing`, {
      hint: 'restore ca.pem and ca.key from a backup, or move the home away and make a new one with `guichet init`',
    })
  }
  return new GatewayError('unavailable', `${path} cannot be read (${systemCodeOf(failure)})`, {
    hint: 'it must belong to the user who runs guichet',
    cause: failure,
  })
}

function damaged(message: string): GatewayError {
  return new GatewayError('corrupt', message, {
    hint: 'restore ca.pem and ca.key from a backup, or move the home away and make a new one with `guichet init`',
  })
}

function expired(home: string): GatewayError {
  return new GatewayError('unavailable', `the certificate authority in ${home} has expired`, {
    hint: 'move the home away, make a new one with `guichet init`, and let the clients trust the new ca.pem',
  })
}
