import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  base64,
  GatewayError,
  isSigned,
  type LedgerAnchor,
  type LedgerSource,
  parseVerifierKey,
  TRAITS,
} from '@guichet/core'
import type { VerifiedLedger } from '@guichet/gateway'
import { openKeyholder } from '../keyholder.ts'
import { countText } from '../print.ts'
import type { Session } from '../session.ts'
import { timeText } from '../times.ts'
import { openBook } from './place.ts'

export interface VerifyOptions {
  readonly database?: string
  readonly export?: string
  readonly checkpoint?: readonly string[]
  readonly publicKey?: string
}

/** Resolves with the exit code: that of `corrupt` when something is wrong with the ledger. */
export async function verify(session: Session, options: VerifyOptions): Promise<number> {
  const { print } = session
  if (options.database !== undefined && options.export !== undefined) {
    throw new GatewayError('invalid', '--database and --export name two ledgers', {
      hint: 'give one of them',
    })
  }
  const isHome = options.database === undefined && options.export === undefined
  const verifierKey = await trustedKey(session, options, isHome)
  // What the ledger is held against is read before it, so that what is recorded meanwhile is not missed.
  const anchors = await anchorsOf(session, options, isHome, verifierKey)
  await using source = await openSource(session, options)
  const { verifyLedger } = await import('@guichet/gateway')
  const verified = await verifyLedger({
    source,
    anchors,
    verifierKey,
    pause: async () => session.stop.throwIfAborted(),
  })
  const { problem } = verified
  print.result(resultOf(verified), () => {
    for (const line of linesOf(verified)) print.line(line)
  })
  if (verifierKey === undefined && verified.last !== undefined)
    print.note('whether that is the right key was not checked: give the one you know with --public-key')
  if (problem === undefined) return 0
  print.failure(
    new GatewayError('corrupt', `the ledger is not what was recorded: ${problem.message}`, {
      hint:
        problem.kind === 'cut'
          ? 'an old copy may have been put back; if it was you, stop the gateway and `guichet ledger accept`'
          : 'compare it with a copy or an export from before; docs/ledger.md says what each finding means',
    }),
  )
  return TRAITS.corrupt.exit
}

function openSource(session: Session, options: VerifyOptions): Promise<LedgerSource & AsyncDisposable> {
  const { world } = session
  if (options.export === undefined) return openBook(session, options.database)
  const file = resolve(world.cwd, options.export)
  return import('@guichet/gateway').then(({ openLedgerExport }) => openLedgerExport(file))
}

/** The key of the command line, else that of the keyholder of this home, if it runs and is open. */
async function trustedKey(
  session: Session,
  options: VerifyOptions,
  isHome: boolean,
): Promise<string | undefined> {
  if (options.publicKey !== undefined) {
    const { sha256 } = await import('@guichet/gateway')
    parseVerifierKey(options.publicKey, sha256)
    return options.publicKey.trim()
  }
  if (!isHome) return undefined
  try {
    await using keyholder = await openKeyholder(session)
    return (await keyholder.witnessed()).verifierKey
  } catch (failure) {
    const { code } = GatewayError.from(failure)
    // It is sealed or does not run: then each checkpoint is checked with the key that is kept with it.
    if (code === 'sealed' || code === 'unavailable') return undefined
    throw failure
  }
}

async function anchorsOf(
  session: Session,
  options: VerifyOptions,
  isHome: boolean,
  verifierKey: string | undefined,
): Promise<readonly LedgerAnchor[]> {
  const { anchorOf } = await import('@guichet/gateway')
  const { readWitness, WITNESS_FILE } = await import('@guichet/keyholder')
  const witnessed = isHome ? await readWitness(join(session.home.path, WITNESS_FILE)) : undefined
  const anchors = witnessed === undefined ? [] : [anchorOf(witnessed, 'the checkpoint beside the vault')]
  for (const file of options.checkpoint ?? []) {
    const note = await readFile(resolve(session.world.cwd, file), 'utf8')
    if (verifierKey !== undefined) await requireSignature(file, note, verifierKey)
    anchors.push(anchorOf(note, file))
  }
  return anchors
}

async function requireSignature(file: string, note: string, verifierKey: string): Promise<void> {
  const { isSignedWith } = await import('@guichet/gateway')
  if (isSigned(note) && isSignedWith(note, verifierKey)) return
  throw new GatewayError('invalid', `the checkpoint ${file} is not signed with the key of this ledger`, {
    hint: 'check with --public-key which key it should be; `guichet ledger show --public-key` prints that of the database',
  })
}

function resultOf({ head, checkpoints, last, problem }: VerifiedLedger): object {
  return {
    isWhole: problem === undefined,
    entries: head.size,
    root: base64(head.root),
    checkpoints,
    ...(last !== undefined && { signed: last.size, publicKey: last.verifierKey }),
    ...(problem !== undefined && { problem }),
  }
}

function linesOf({ head, checkpoints, last, problem }: VerifiedLedger): readonly string[] {
  const good = countText(head.size, 'entry', 'entries')
  if (problem !== undefined) return [`${good} from the beginning on are as they were recorded`]
  const whole = `${good}, every one as it was recorded`
  if (last === undefined) return [whole, 'no checkpoint yet: nothing proves that none is missing at the end']
  return [
    whole,
    `${countText(checkpoints, 'checkpoint')}, the last over ${last.size} on ${timeText(last.atMs)}`,
    `signed with ${last.verifierKey}`,
  ]
}
