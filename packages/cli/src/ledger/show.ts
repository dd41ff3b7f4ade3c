import { GatewayError, type LedgerFilter, type NumberedEntry } from '@guichet/core'
import type { LedgerFile } from '@guichet/gateway'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { parseDuration, timeText } from '../times.ts'
import { openBook } from './place.ts'

export interface ShowOptions {
  readonly key?: string
  readonly verb?: string
  readonly door?: string
  readonly decision?: string
  readonly since?: string
  readonly until?: string
  readonly target?: string
  readonly limit: string
  readonly follow?: boolean
  readonly publicKey?: boolean
  readonly database?: string
}

const LIMIT_MAX = 10_000
const FOLLOW_MS = 1_000

export async function show(session: Session, options: ShowOptions): Promise<void> {
  const { print, world } = session
  const filter = filterOf(options, world.clock.nowMs())
  const limit = parseLimit(options.limit)
  if (options.follow === true) return follow(session, options.database, filter, limit)
  await using book = await openBook(session, options.database)
  if (options.publicKey === true) return showKey(session, book)
  const entries = book.find(filter, limit).toReversed()
  print.result({ entries }, () => {
    if (entries.length === 0) return print.note('nothing fits')
    for (const line of table([HEAD, ...entries.map(cells)])) print.line(line)
  })
}

function showKey({ print }: Session, book: LedgerFile): void {
  const verifierKey = book.lastCheckpoint()?.verifierKey
  if (verifierKey === undefined) {
    throw new GatewayError('not-found', 'the ledger has no checkpoint yet, so nothing says who signs it', {
      hint: 'the keyholder signs the first one when the gateway runs and is unsealed',
    })
  }
  print.result({ publicKey: verifierKey }, () => print.line(verifierKey))
}

/** Until it is stopped; each look opens the file anew, so that a gateway may begin and end meanwhile. */
async function follow(
  session: Session,
  database: string | undefined,
  filter: LedgerFilter,
  limit: number,
): Promise<void> {
  const { print, stop, world } = session
  for (let [after, count] = [0, limit]; !stop.aborted; count = LIMIT_MAX) {
    await using book = await openBook(session, database)
    for (const entry of book.find({ ...filter, after }, count).toReversed()) {
      after = entry.sequence
      if (print.isJson) print.json(entry)
      else print.line(cells(entry).join('  ').trimEnd())
    }
    // A stop wakes it; that is the way to end it.
    await world.clock.sleep(FOLLOW_MS, stop).catch(() => undefined)
  }
}

const HEAD = ['ENTRY', 'TIME', 'KEY', 'DOOR', 'VERB', 'DECISION', 'TARGET']

function cells(entry: NumberedEntry): readonly string[] {
  const { sequence, atMs, key, door, verb, decision, target, reason } = entry
  const why = reason === '' ? '' : ` (${printable(reason)})`
  return [String(sequence), timeText(atMs), key, door, verb, decision, `${printable(target)}${why}`]
}

function filterOf(options: ShowOptions, nowMs: number): LedgerFilter {
  const { key, verb, door, decision, since, until, target } = options
  if (decision !== undefined && decision !== 'allow' && decision !== 'deny') {
    throw new GatewayError('invalid', `${JSON.stringify(decision)} is no decision`, {
      hint: 'decisions are allow and deny',
    })
  }
  return {
    ...{ key, verb, door, decision, target },
    sinceMs: since === undefined ? undefined : parseMoment(since, nowMs),
    untilMs: until === undefined ? undefined : parseMoment(until, nowMs),
  }
}

/** `2h` is two hours ago; else a date or a moment, in local time unless it says otherwise. */
export function parseMoment(text: string, nowMs: number): number {
  if (/^[\dwdhms]+[wdhms]$/.test(text)) return nowMs - parseDuration(text)
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.test(text)
  const ms = isDate || isMoment ? Date.parse(isDate ? `${text}T00:00` : text) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new GatewayError('invalid', `${JSON.stringify(text)} is no time`, {
    hint: 'write how long ago, as in 90m or 2d, or a moment, as in 2026-11-20 or 2026-11-20T21:05',
  })
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (/^\d{1,5}$/.test(text) && limit >= 1 && limit <= LIMIT_MAX) return limit
  throw new GatewayError('invalid', `${JSON.stringify(text)} is no count of entries`, {
    hint: `give a number from 1 to ${LIMIT_MAX}, or \`guichet ledger export\` for all`,
  })
}
