import { GatewayError, parseVerbs, Secret } from '@guichet/core'
import { rewritePlace, type Tool } from '@guichet/leaks'
import type { Guichet } from '@guichet/sdk'
import { readUnlock } from '../commands/init.ts'
import { openKeyholder } from '../keyholder.ts'
import { makeHome, requireNoHome } from '../new-home.ts'
import { choose } from '../prompts.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'
import { type AdoptJournal, type AdoptKey, adoptFolder, digestOf, writeJournal } from './journal.ts'
import { type Plan, VERBS_BY_TOOL } from './plan.ts'
import { type Change, swapFiles } from './swap.ts'

export interface TakeOptions {
  /** What becomes of a vault that is there already. */
  readonly vault?: 'keep' | 'replace'
  readonly unlockFile?: string
  readonly verbs?: readonly string[]
  readonly root: string
  readonly expires: number
  /** Takes the place of `https://api.1fichier.com` in scripts and settings. */
  readonly address?: string
}

export type VaultFate = 'made' | 'kept' | 'replaced'

/** What is to happen to the vault; asks where it was not said. A new vault is made here: it is needed for all else. */
export async function settleVault(session: Session, plan: Plan, options: TakeOptions): Promise<VaultFate> {
  const { home, world } = session
  const { inspectVault } = await import('@guichet/keyholder')
  const isThere = await inspectVault(home.vault).then(
    () => true,
    (failure: unknown) => {
      if (failure instanceof GatewayError && failure.code === 'not-found') return false
      throw failure
    },
  )
  if (!isThere) {
    await requireNoHome(home)
    requireWay(
      session,
      options.unlockFile,
      'there is no vault yet',
      'name with --unlock-file FILE what is to open it',
    )
    const unlock = await readUnlock(session, options.unlockFile)
    await makeHome(home, { apiKey: plan.key.secret, unlock, world })
    return 'made'
  }
  requireWay(
    session,
    options.vault,
    `${home.vault} holds a key already`,
    'say with --vault keep that it is that of the same account, or with --vault replace that the found one takes its place',
  )
  const fate =
    options.vault ??
    (await choose(world, 'The vault holds a key already. What is to become of it?', [
      { value: 'keep', label: 'keep it', hint: 'it is of the same account as the found one' },
      {
        value: 'replace',
        label: 'replace it by the found one',
        hint: '1fichier is asked first whether that works',
      },
    ]))
  return fate === 'keep' ? 'kept' : 'replaced'
}

function requireWay({ world }: Session, given: string | undefined, what: string, hint: string): void {
  if (given !== undefined || isInteractive(world)) return
  throw new GatewayError('invalid', `${what}, and there is no terminal to ask on`, { hint })
}

/** Rejects with `account-refused` when 1fichier does not take the found key; then the vault stays as it was. */
export async function replaceKey(session: Session, plan: Plan): Promise<void> {
  await using keyholder = await openKeyholder(session)
  await keyholder.rotate(plan.key.secret, { check: true })
}

/** Issues a virtual key for each tool and swaps the files. What it has begun stands in the journal before. */
export async function takeOver(
  session: Session,
  guichet: Guichet,
  plan: Plan,
  options: TakeOptions,
): Promise<AdoptJournal> {
  const { world, home } = session
  const folder = adoptFolder(home.path)
  const id = Buffer.from(world.random(4)).toString('hex')
  const tools = [...new Set(plan.changes.map(({ seen }) => seen.place.tool))]
  const wanted = tools.map((tool): AdoptKey & { tool: Tool } => ({
    tool,
    name: `${tool.replaceAll(' ', '-')}-${id}`,
  }))
  let journal: AdoptJournal = {
    format: 'guichet-adopt',
    version: 1,
    state: 'begun',
    id,
    atMs: world.clock.nowMs(),
    keys: wanted,
    files: [],
  }
  await writeJournal(folder, journal)
  const texts = new Map<Tool, Secret>()
  const keys: AdoptKey[] = []
  for (const { tool, name } of wanted) {
    const issued = await guichet.issueKey({
      name,
      verbs: options.verbs ?? parseVerbs(VERBS_BY_TOOL[tool]),
      root: options.root,
      lifetimeMs: options.expires,
    })
    texts.set(tool, new Secret(issued.key))
    keys.push({ tool, name, id: issued.id })
  }
  journal = { ...journal, keys }
  await writeJournal(folder, journal)
  return swapFiles(folder, journal, changesOf(session, plan, texts, options.address))
}

function changesOf(
  { world }: Session,
  plan: Plan,
  keys: ReadonlyMap<Tool, Secret>,
  address: string | undefined,
): readonly Change[] {
  return plan.changes.flatMap(({ seen, sightings }, index) => {
    const { place, content, mode, uid, gid, modifiedMs } = seen
    const key = keys.get(place.tool)
    if (key === undefined) return []
    const after = rewritePlace(place, content, sightings, { key, random: world.random, address })
    const file = {
      path: place.path,
      tool: place.tool,
      backup: `${index}.backup`,
      before: digestOf(content),
      after: digestOf(after),
      mode,
      uid,
      gid,
      modifiedMs,
    }
    return [{ file, before: content, after }]
  })
}
