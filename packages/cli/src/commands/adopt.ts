import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, parseVerbs, systemCodeOf } from '@guichet/core'
import { usualPlaces } from '@guichet/leaks'
import { type Command, Option } from 'commander'
import { adoptFolder, readJournal } from '../adopting/journal.ts'
import { openOwnerGateway } from '../adopting/owner-gateway.ts'
import { type FoundKey, keysIn, type Plan, pickKey, planFor, sightingsOf } from '../adopting/plan.ts'
import { lookAt, type Named, type Sight } from '../adopting/seen-places.ts'
import { replaceKey, settleVault, type TakeOptions, takeOver } from '../adopting/take.ts'
import { confirmAdoption, undoAdoption } from '../adopting/take-back.ts'
import { tellDone, tellPlan } from '../adopting/telling.ts'
import { type Cli, examples } from '../command.ts'
import { parseFolderPlace } from '../places.ts'
import { choose, confirm } from '../prompts.ts'
import type { Session } from '../session.ts'
import { parseDuration } from '../times.ts'
import { isInteractive } from '../world.ts'

interface AdoptOptions extends TakeOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly confirm?: boolean
  readonly undo?: boolean
  readonly force?: boolean
  readonly key?: string
}

export function addAdopt(program: Command, cli: Cli): void {
  program
    .command('adopt')
    .description(
      'Move an API key out of the files of tools into the vault, and put virtual keys in its place.',
    )
    .argument('[place...]', 'files or folders to look at (default: where tools keep it)')
    .option('-n, --dry-run', 'show what would be changed, and change nothing')
    .option('-y, --yes', 'do not ask')
    .addOption(
      new Option('--vault <fate>', 'what becomes of the key of a vault that is there already').choices([
        'keep',
        'replace',
      ]),
    )
    .option('--unlock-file <file>', 'what opens a new vault without a person; made if it is missing')
    .option('--key <fingerprint>', 'which of several keys that were found')
    .option('--verbs <verbs>', 'what the tools may do (default: by tool)', parseVerbs)
    .option('--root <folder>', 'the folder they are confined to', parseFolderPlace, '/')
    .addOption(
      new Option('--expires <duration>', 'how long their keys live; 0 is for ever')
        .argParser(parseDuration)
        .default(parseDuration('365d'), '365d'),
    )
    .option('--address <url>', 'put this in the place of https://api.1fichier.com in scripts and settings')
    // Neither can be taken back, so no word is passed over.
    .addOption(
      new Option('--confirm', 'all works: remove the backups').conflicts(['undo', 'force', 'dryRun']),
    )
    .addOption(new Option('--undo', 'put every file back as it was, and revoke the keys').conflicts('dryRun'))
    .option('--force', 'with --undo: overwrite files that were changed since')
    .addHelpText(
      'after',
      `\nLooks at rclone.conf, JDownloader, pyLoad, environment and compose files, and the files of shells.${examples(
        'guichet adopt --dry-run',
        'guichet adopt',
        'guichet adopt ~/bin/backup.sh ~/media/docker-compose.yml',
        'guichet adopt --undo',
      )}`,
    )
    .action((places: string[], options: AdoptOptions, command: Command) =>
      cli.run(command, (session) => adopt(session, places, options)),
    )
}

async function adopt(session: Session, places: readonly string[], options: AdoptOptions): Promise<void> {
  if (options.confirm === true) return confirmAdoption(session)
  if (options.undo === true) return undoAdoption(session, { force: options.force === true })
  const { print, world } = session
  if (options.dryRun !== true) await requireNoneUnderWay(session)
  const sight = await lookAt(places.length === 0 ? usualPlaces(world) : await namedPlaces(session, places))
  for (const { path, problem, hint } of sight.unseen) print.warning(`${path}: ${problem}`, hint)
  const keys = keysIn(sight.seen)
  if (keys.length === 0) return tellNothing(session, sight)
  const plan = planFor(await chooseKey(session, keys, options.key), process.getuid?.())
  if (options.dryRun === true || plan.changes.length === 0) return tellPlan(session, plan)
  await requireConsent(session, plan, options)

  const fate = await settleVault(session, plan, options)
  await using gateway = await openOwnerGateway(session)
  if (fate === 'replaced') await replaceKey(session, plan)
  try {
    tellDone(session, plan, fate, await takeOver(session, gateway.guichet, plan, options))
  } catch (failure) {
    await undoAdoption(session, { force: false, isQuiet: true, gateway })
    throw failure
  }
}

async function requireNoneUnderWay({ home }: Session): Promise<void> {
  const journal = await readJournal(adoptFolder(home.path))
  if (journal === undefined) return
  throw new GatewayError(
    'conflict',
    journal.state === 'done'
      ? 'an earlier adoption has not been confirmed'
      : 'an earlier adoption was broken off in the middle',
    {
      hint:
        journal.state === 'done'
          ? 'run `guichet adopt --confirm` if all works, or `guichet adopt --undo`'
          : 'put everything back with `guichet adopt --undo`, then adopt again',
    },
  )
}

async function namedPlaces({ world }: Session, places: readonly string[]): Promise<readonly Named[]> {
  const named: Named[] = []
  for (const place of places) {
    const path = resolve(world.cwd, place)
    await access(path).catch((failure: unknown) => {
      if (systemCodeOf(failure) !== 'ENOENT') throw failure
      throw new GatewayError('not-found', `${JSON.stringify(place)} does not exist on this machine`, {
        hint: 'check the name, or name no file to look where tools keep the key',
      })
    })
    named.push({ path })
  }
  return named
}

function tellNothing({ print }: Session, { count }: Sight): void {
  print.result({ keys: [], files: count }, () =>
    print.line(
      `no API key found in ${count === 1 ? 'the one file' : `the ${count} files`} that can hold one`,
    ),
  )
}

async function chooseKey(
  { world }: Session,
  keys: readonly FoundKey[],
  wanted: string | undefined,
): Promise<FoundKey> {
  if (wanted !== undefined) return pickKey(keys, wanted)
  const [only] = keys
  if (only !== undefined && keys.length === 1) return only
  const described = keys.map((key) => ({
    value: key.fingerprint,
    label: whereIs(key),
    hint: key.fingerprint,
  }))
  if (!isInteractive(world)) {
    const list = described.map(({ value, label }) => `\n  ${value}  ${label}`).join('')
    throw new GatewayError('invalid', `${keys.length} different keys were found:${list}`, {
      hint: 'say which is the one of the account with --key FINGERPRINT',
    })
  }
  return pickKey(
    keys,
    await choose(world, 'Several keys were found. Which is that of the account?', described),
  )
}

function whereIs(key: FoundKey): string {
  return key.places
    .flatMap((place) => sightingsOf(key, place).map(({ line }) => `${place.place.path}:${line}`))
    .join(', ')
}

async function requireConsent(session: Session, plan: Plan, { yes }: AdoptOptions): Promise<void> {
  if (yes === true) return
  const { world, print } = session
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'this would change files, and there is no terminal to ask on', {
      hint: 'look at it with --dry-run, then give --yes',
    })
  }
  // A program that reads the result is not to read the plan as well.
  if (!print.isJson) tellPlan(session, plan)
  if (await confirm(world, 'Put virtual keys into these files?')) return
  throw new GatewayError('cancelled', 'nothing was changed')
}
