import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  base64,
  bytesOf,
  GatewayError,
  type KeptCheckpoint,
  type KeptEntry,
  type LedgerSource,
} from '@guichet/core'
import { z } from 'zod'

/**
 * A ledger as JSON lines, complete in itself: a first line that says what it is, a line for each entry with the hashes
 * that are kept with it, and after them the checkpoints, the last one last.
 */
export async function* exportLedger(source: LedgerSource): AsyncGenerator<string> {
  yield `${JSON.stringify(FIRST_LINE)}\n`
  // Before the entries: a checkpoint that is made meanwhile covers what is not in the export.
  const checkpoints = await all(
    (after) => source.checkpoints(after, PAGE),
    ({ size }) => size,
  )
  for (
    let after = 0, page = await source.page(after, PAGE);
    page.length > 0;
    page = await source.page(after, PAGE)
  ) {
    for (const { hashes, ...entry } of page) {
      yield `${JSON.stringify({ ...entry, hashes: base64(hashes) })}\n`
      after = entry.sequence
    }
  }
  for (const checkpoint of checkpoints) yield `${JSON.stringify({ checkpoint })}\n`
}

/** Reads what `exportLedger` wrote, from the beginning to the end once. Rejects with `invalid` for another file. */
export async function openLedgerExport(path: string): Promise<LedgerSource & AsyncDisposable> {
  const checkpoints: KeptCheckpoint[] = []
  for await (const line of lines(path)) if (line.kind === 'checkpoint') checkpoints.push(line.checkpoint)
  const entries = lines(path)
  return {
    // In the order of the file, whatever it is: the audit finds what is out of order.
    async page(_after, limit) {
      const page: KeptEntry[] = []
      while (page.length < limit) {
        const { value: line, done } = await entries.next()
        if (done === true) break
        if (line.kind === 'entry') page.push(line.entry)
      }
      return page
    },
    checkpoints: async (after, limit) => checkpoints.filter(({ size }) => size > after).slice(0, limit),
    written: async () => 0,
    [Symbol.asyncDispose]: async () => void (await entries.return(undefined)),
  }
}

const PAGE = 1_000
const FIRST_LINE = { export: 'guichet-ledger', version: 1 } as const
const firstLine = z.strictObject({ export: z.literal('guichet-ledger'), version: z.literal(1) })
const entryLine = z.strictObject({
  sequence: z.number(),
  atMs: z.number(),
  requestId: z.string(),
  key: z.string().transform((key) => key as KeptEntry['key']),
  door: z.string().transform((door) => door as KeptEntry['door']),
  verb: z.string().transform((verb) => verb as KeptEntry['verb']),
  target: z.string(),
  decision: z.enum(['allow', 'deny']),
  reason: z.string(),
  hashes: z.string().transform((text) => bytesOf(text) ?? new Uint8Array()),
})
const checkpointLine = z.strictObject({
  checkpoint: z.strictObject({
    size: z.number(),
    atMs: z.number(),
    note: z.string(),
    verifierKey: z.string(),
  }),
})

type Line =
  | { readonly kind: 'entry'; readonly entry: KeptEntry }
  | { readonly kind: 'checkpoint'; readonly checkpoint: KeptCheckpoint }

async function* lines(path: string): AsyncGenerator<Line, void> {
  let number = 0
  for await (const text of createInterface({ input: createReadStream(path) })) {
    number += 1
    const value = parseJson(text)
    if (number === 1) {
      if (!firstLine.safeParse(value).success) throw notAnExport(path, number)
      continue
    }
    const checkpoint = checkpointLine.safeParse(value)
    if (checkpoint.success) {
      yield { kind: 'checkpoint', checkpoint: checkpoint.data.checkpoint }
      continue
    }
    const entry = entryLine.safeParse(value)
    if (!entry.success) throw notAnExport(path, number)
    yield { kind: 'entry', entry: entry.data }
  }
  if (number === 0) throw notAnExport(path, 1)
}

async function all<Item>(
  page: (after: number) => Promise<readonly Item[]>,
  placeOf: (item: Item) => number,
): Promise<readonly Item[]> {
  const items: Item[] = []
  for (let next = await page(0); next.length > 0; next = await page(items.map(placeOf).at(-1) ?? 0))
    items.push(...next)
  return items
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Refused in the same words as JSON of something else.
  }
}

function notAnExport(path: string, line: number): GatewayError {
  return new GatewayError('invalid', `${path} is not an export of a ledger: line ${line} is something else`, {
    hint: 'make one with `guichet ledger export`',
  })
}
