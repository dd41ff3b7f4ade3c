import { createPublicKey, hash, verify } from 'node:crypto'
import {
  GatewayError,
  isSignedBy,
  type KeptCheckpoint,
  type LedgerAnchor,
  LedgerAudit,
  type LedgerProblem,
  type LedgerReport,
  type LedgerSource,
  parseCheckpoint,
  parseVerifierKey,
  type Sha256,
  type TreeEdge,
  type VerifyEd25519,
} from '@guichet/core'

export interface LedgerCheck {
  readonly source: LedgerSource
  /** What the ledger is known to have been, from elsewhere than its own checkpoints. */
  readonly anchors?: readonly LedgerAnchor[]
  /** The verifier key that the last checkpoint must be signed with; without it each is checked with the key kept with it. */
  readonly verifierKey?: string | undefined
  /** What is known to be good already. */
  readonly from?: TreeEdge | undefined
  /** Only so many entries, while more are being recorded. */
  readonly until?: number | undefined
  /** Called between pages; whoever shares the process with others waits in it. */
  readonly pause?: (done: number) => Promise<void>
}

export interface VerifiedLedger extends LedgerReport {
  readonly checkpoints: number
  /** The checkpoint that covers the most entries, if there is any. */
  readonly last?: KeptCheckpoint
}

const PAGE = 500

/** Reads a whole ledger and says the first thing that is wrong with it: entries, hashes, checkpoints, signatures. */
export async function verifyLedger(check: LedgerCheck): Promise<VerifiedLedger> {
  const { source, anchors = [], from, until, pause } = check
  const start = from?.size ?? 0
  // Both before the entries are read: what is recorded meanwhile is missed by neither.
  const written = until ?? (await source.written())
  const signed = await readCheckpoints(check, start)
  const known = [...anchors, ...signed.anchors].filter(({ size }) => size <= (until ?? size))
  const audit = new LedgerAudit(sha256, known, from)
  // From before the first place, where nothing has a right to be.
  const entries = pages((after) => source.page(after, PAGE), placeOfEntry, from?.size ?? -1e300, pause)
  for await (const entry of entries) {
    if (entry.sequence > (until ?? entry.sequence)) break
    audit.add(entry)
    if (audit.problem !== undefined) break
  }
  const report = audit.finish(written)
  const problem = report.problem ?? signed.problem
  return {
    head: report.head,
    checkpoints: signed.count,
    ...(signed.last !== undefined && { last: signed.last }),
    ...(problem !== undefined && { problem }),
  }
}

interface ReadCheckpoints {
  readonly count: number
  readonly last: KeptCheckpoint | undefined
  readonly anchors: readonly LedgerAnchor[]
  readonly problem: LedgerProblem | undefined
}

async function readCheckpoints(check: LedgerCheck, start: number): Promise<ReadCheckpoints> {
  const { source, verifierKey, pause } = check
  const anchors: LedgerAnchor[] = []
  let count = 0
  let last: KeptCheckpoint | undefined
  let problem: LedgerProblem | undefined
  const checkpoints = pages((size) => source.checkpoints(size, PAGE), placeOfCheckpoint, start, pause)
  for await (const checkpoint of checkpoints) {
    count += 1
    last = checkpoint
    const wrong = problemOf(checkpoint)
    problem ??= wrong
    if (wrong === undefined)
      anchors.push(anchorOf(checkpoint.note, `the checkpoint of ${checkpoint.size} entries`))
  }
  if (last !== undefined && verifierKey !== undefined && last.verifierKey !== verifierKey)
    problem ??= badSignature(last.size, 'is signed with another key than that of the keyholder')
  return { count, last, anchors, problem }
}

/** Whether the note has a signature of this verifier key. */
export function isSignedWith(note: string, verifierKey: string): boolean {
  return isSignedBy(note, parseVerifierKey(verifierKey, sha256), sha256, verifyEd25519)
}

/** A checkpoint as what the ledger is compared with; `source` says for a person where it is from. */
export function anchorOf(note: string, source: string): LedgerAnchor {
  const { size, root } = parseCheckpoint(note)
  return { size, root, source }
}

export const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer')

/** The 12 bytes before the key say that it is one of Ed25519 (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' }),
    signature,
  )

const placeOfEntry = ({ sequence }: { readonly sequence: number }): number => sequence
const placeOfCheckpoint = ({ size }: { readonly size: number }): number => size

async function* pages<Item>(
  page: (after: number) => Promise<readonly Item[]>,
  placeOf: (item: Item) => number,
  start: number,
  pause: LedgerCheck['pause'],
): AsyncGenerator<Item> {
  for (let after = start; ; ) {
    const items = await page(after)
    yield* items
    const lastItem = items.at(-1)
    if (lastItem === undefined) return
    after = placeOf(lastItem)
    await pause?.(after)
  }
}

function problemOf({ size, note, verifierKey }: KeptCheckpoint): LedgerProblem | undefined {
  try {
    const isGood = isSignedWith(note, verifierKey) && parseCheckpoint(note).size === size
    return isGood ? undefined : badSignature(size, 'is not what was signed')
  } catch (failure) {
    if (GatewayError.from(failure).code !== 'invalid') throw failure
    return badSignature(size, 'cannot be read')
  }
}

function badSignature(size: number, why: string): LedgerProblem {
  return { kind: 'signature', first: size, last: size, message: `the checkpoint of ${size} entries ${why}` }
}
