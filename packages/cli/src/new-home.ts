import { chmod, link, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { GatewayError, Secret, systemCodeOf } from '@guichet/core'
import type { Home } from './home.ts'
import { readSecretFile } from './secret-files.ts'
import type { World } from './world.ts'

/** What is to open the vault. */
export type Unlock =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'prompt'; readonly passphrase: Secret }

export interface NewHome {
  readonly apiKey: Secret
  readonly unlock: Unlock
  readonly world: World
}

/** Rejects with `conflict` when there is a vault, which may hold the only copy of a key. */
export async function requireNoHome(home: Home): Promise<void> {
  const names = (await namesIn(home.path)).filter((name) => OUR_NAMES.includes(name))
  const [taken] = names
  if (taken === undefined) return
  throw new GatewayError('conflict', `${home.path} is a home of guichet already (it has ${taken})`, {
    hint: names.includes('vault')
      ? 'use it as it is, put a new API key into it with `guichet rotate`, or choose another place with --home'
      : 'its vault is missing: restore that from a backup, or move the home away and run `guichet init` again',
  })
}

const OUR_NAMES: readonly string[] = ['vault', 'config.json', 'ca.key', 'ca.pem', 'guichet.db']
const SECRET_BYTES = 32

/**
 * Makes the home aside and moves it into place as a whole: a failure, a full disk or a kill leaves nothing half-made.
 * An unlock file that is missing is made as well.
 */
export async function makeHome(home: Home, options: NewHome): Promise<void> {
  const { createAuthority } = await import('@guichet/gateway')
  const { createVault } = await import('@guichet/keyholder')
  const { unlock, apiKey, world } = options
  const nowMs = world.clock.nowMs()
  await inNewHome(home, async (draft, isBeside, undo) => {
    const secret =
      unlock.kind === 'prompt'
        ? unlock.passphrase
        : await openUnlockFile(unlock.path, isBeside ? { home: home.path, draft } : undefined, world, undo)
    await createAuthority(draft, nowMs)
    await writeWhole(join(draft, 'config.json'), `${JSON.stringify(configOf(unlock), null, 2)}\n`, 0o600)
    const way =
      unlock.kind === 'file'
        ? ({ name: 'unlock-file', kind: 'file' } as const)
        : ({ name: 'passphrase', kind: 'passphrase' } as const)
    await createVault(join(draft, 'vault'), { apiKey, ways: [{ ...way, secret }], nowMs })
  })
}

/** Lets a home be filled aside, and moves it into place as a whole; a failure undoes all of it. */
export async function inNewHome(
  home: Home,
  fill: (draft: string, isBeside: boolean, undo: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  await using undo = new AsyncDisposableStack()
  const { path: draft, isBeside } = await makeDraft(home.path)
  undo.defer(() => rm(draft, { recursive: true, force: true }))
  await fill(draft, isBeside, undo)
  if (isBeside) await becomeHome(draft, home.path)
  else await moveInto(draft, home.path, undo)
  undo.move()
}

/**
 * Beside the place of a home that is not there yet, so that one rename makes it.
 * Inside one that is there: it may be a volume of its own, in a folder where this user may not write.
 */
async function makeDraft(home: string): Promise<{ readonly path: string; readonly isBeside: boolean }> {
  try {
    if (await isThere(home)) return { path: await mkdtemp(join(home, '.new-')), isBeside: false }
    const place = dirname(home)
    await mkdir(place, { recursive: true, mode: 0o700 })
    return { path: await mkdtemp(join(place, `.${basename(home)}-`)), isBeside: true }
  } catch (failure) {
    throw unusable(home, failure)
  }
}

/** Whatever the system complains of is about a name that nobody has typed, so the home is named instead. */
function unusable(home: string, failure: unknown): GatewayError {
  const code = systemCodeOf(failure)
  const hint = 'name another place with --home or $GUICHET_HOME'
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === undefined) return GatewayError.from(failure)
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new GatewayError('conflict', `${home} cannot be a home: it is no directory, or below a file`, {
      hint,
      cause: failure,
    })
  }
  return new GatewayError('forbidden', `a home cannot be made at ${home} (${code})`, {
    hint: `${hint}, or make ${dirname(home)} writable for this user`,
    cause: failure,
  })
}

function configOf(unlock: Unlock): object {
  return {
    listen: '127.0.0.1:8474',
    unlock: unlock.kind === 'file' ? { kind: 'file', path: unlock.path } : { kind: 'prompt' },
  }
}

/** The secret of an unlock file, which is made if it is missing, and taken back by `undo`. */
export async function openUnlockFile(
  path: string,
  /** A file inside a new home becomes part of what is moved into place as a whole. */
  fresh: { readonly home: string; readonly draft: string } | undefined,
  world: World,
  undo: AsyncDisposableStack,
): Promise<Secret> {
  if (await isThere(path))
    return readSecretFile(path, {
      what: 'the unlock file',
      input: world.input,
      secrets: world.secrets,
      guarded: true,
    })
  const text = Buffer.from(world.random(SECRET_BYTES)).toString('base64')
  const below = fresh === undefined ? '' : relative(fresh.home, path)
  const isInside = below !== '' && !below.startsWith('..') && !isAbsolute(below)
  const target = fresh !== undefined && isInside ? join(fresh.draft, below) : path
  const made = await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  if (made !== undefined) undo.defer(() => rm(made, { recursive: true, force: true }))
  await writeWhole(target, `${text}\n`, 0o600)
  undo.defer(() => rm(target, { force: true }))
  return new Secret(text)
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (failure: unknown) => {
      if (systemCodeOf(failure) === 'ENOENT') return false
      throw failure
    },
  )
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (failure) {
    await rm(path, { force: true })
    throw failure
  }
}

async function becomeHome(draft: string, home: string): Promise<void> {
  await rename(draft, home)
  await syncFolder(dirname(home))
}

/** Each thing by itself, the vault last, and all taken back on failure. */
async function moveInto(draft: string, home: string, undo: AsyncDisposableStack): Promise<void> {
  await chmod(home, 0o700)
  const names = (await readdir(draft)).sort((a, b) => Number(a === 'vault') - Number(b === 'vault'))
  for (const name of names) {
    // A link, unlike a rename, never replaces what somebody else put there meanwhile. Folders have none.
    if ((await stat(join(draft, name))).isDirectory()) await rename(join(draft, name), join(home, name))
    else await link(join(draft, name), join(home, name))
    undo.defer(() => rm(join(home, name), { recursive: true, force: true }))
  }
  await syncFolder(home)
  await rm(draft, { recursive: true, force: true })
}

async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch((failure: unknown) => {
    if (systemCodeOf(failure) === 'ENOENT') return []
    throw unusable(path, failure)
  })
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
