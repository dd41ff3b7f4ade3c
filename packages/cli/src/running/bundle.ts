import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { GatewayError, systemCodeOf } from '@guichet/core'
import { BUNDLE_NAMES } from './environment.ts'

/** A file with the certificates that this machine trusts, and ours. Disposing of it removes it. */
export interface Bundle extends AsyncDisposable {
  readonly path: string
}

export async function writeBundle(
  authorityPath: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Bundle> {
  const own = await readAuthority(authorityPath)
  const system = getCACertificates('system')
  const trusted = system.length > 0 ? system : getCACertificates('bundled')
  const certificates = new Set(
    [own, ...(await configured(env)), ...trusted].map((text) => `${text.trim()}\n`),
  )
  const folder = await mkdtemp(join(tmpdir(), 'guichet-run-'))
  const path = join(folder, 'ca-bundle.pem')
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await writeFile(path, [...certificates].join(''), { mode: 0o600, flag: 'wx' })
  } catch (failure) {
    await remove()
    throw failure
  }
  return { path, [Symbol.asyncDispose]: remove }
}

async function readAuthority(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  } catch (failure) {
    if (systemCodeOf(failure) === undefined) throw failure
  }
  throw new GatewayError('not-found', `there is no certificate of the gateway at ${path}`, {
    hint: 'name the home of the gateway with --home, or a copy of its ca.pem with --ca FILE',
  })
}

/** What the person had configured for such programs stays trusted. */
async function configured(env: Readonly<Record<string, string | undefined>>): Promise<readonly string[]> {
  const paths = new Set(BUNDLE_NAMES.map((name) => env[name] ?? '').filter((path) => path !== ''))
  const texts: string[] = []
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => '') // It would not have worked before either.
    texts.push(...(text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []))
  }
  return texts
}
