import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Emulator, startEmulator } from './emulator.ts'
import { type Answer, ask } from './testing/client.ts'
import { CASES } from './testing/exchange-cases.ts'
import type { Case } from './testing/exchange-worlds.ts'
import type { JsonObject } from './transport/call.ts'

/** `wire/README.md` describes the form. */
interface Written {
  readonly endpoint: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly reply: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
  }
}

const FOLDER = new URL('../../../wire/exchanges/', import.meta.url)
/** Headers of an answer that are the same for everybody. */
const EXACT = ['content-disposition', 'accept-ranges', 'content-length', 'content-range'] as const

describe('the recorded exchanges can be had here', () => {
  for (const file of readdirSync(FOLDER).sort()) {
    const written = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Written
    it(file, () => check(written, CASES[file.replace('.json', '')] ?? {}))
  }

  it('and every case has one', () => {
    const files = new Set(readdirSync(FOLDER))
    for (const name of Object.keys(CASES)) assert.ok(files.has(`${name}.json`), name)
  })
})

async function check(written: Written, known: Case): Promise<void> {
  await using emulator = await startEmulator({ seed: 'exchanges', ...known.options })
  const names = (await known.arrange?.(emulator)) ?? {}
  emulator.resetCounters()
  const answer = await send(emulator, written, (text) => known.mangle?.(text) ?? text, names)
  const { status, headers, body } = written.reply
  assert.equal(answer.status, status)
  assert.equal(mediaType(answer.headers['content-type']), mediaType(headers['content-type']))
  for (const name of EXACT) if (name in headers) assert.equal(answer.headers[name], headers[name], name)
  if ('location' in headers) {
    const isSame = headers['location'] === `/end.pl?xid=${written.request.path.split('id=')[1]}`
    assert.match(String(answer.headers.location), /^\/end\.pl\?xid=[A-Za-z0-9]{10}$/)
    assert.equal(answer.headers.location === headers['location'], isSame)
  }
  const text = answer.body.toString()
  if (known.words !== undefined) assert.match(text, known.words)
  else if (typeof body === 'object') checkJson(JSON.parse(text), body, known)
  else if (mediaType(headers['content-type']) === 'text/html') checkPage(text, String(body))
  else assert.equal(text, body ?? '')
}

/** Sends the request with the names that its things have here. */
async function send(
  emulator: Emulator,
  { request }: Written,
  mangle: (body: string) => string,
  names: Readonly<Record<string, string | number>>,
): Promise<Answer> {
  const { host: _host, authorization, 'content-length': _length, ...headers } = request.headers
  const named = (text: string): string =>
    Object.entries(names).reduce(
      (all, [name, value]) => all.replaceAll(new RegExp(`${name}(?!\\d)`, 'g'), String(value)),
      text,
    )
  const body = request.body ?? ''
  const sent = mangle(named(typeof body === 'string' ? body : JSON.stringify(body)))
  return await ask(emulator, named(`https://${request.headers['host']}${request.path}`), {
    method: request.method,
    headers: {
      ...headers,
      ...(authorization === undefined ? {} : { authorization: `Bearer ${emulator.apiKey}` }),
      ...(request.method === 'POST' ? { 'content-length': String(Buffer.byteLength(sent)) } : {}),
    },
    body: sent,
  })
}

function checkJson(given: unknown, written: unknown, { absent = [], optional = [] }: Case): void {
  const missing = misfits(given, written, '').filter(
    (problem) => !optional.some((name) => problem === `.${name} is absent`),
  )
  assert.deepEqual(missing, [])
  for (const name of absent) assert.ok(!(name in (given as JsonObject)), `${name} should be absent`)
  const { status, message } = written as { readonly status?: unknown; readonly message?: unknown }
  if (status === 'OK' || message === undefined) return
  // The number behind a message moves over the years.
  const withoutNumber = (text: unknown): string => String(text).replace(/ #\d+$/, '')
  assert.equal(withoutNumber((given as JsonObject)['message']), withoutNumber(message))
}

/** Where what is given lacks something that is written, or has it in another type. More than is written may be there. */
function misfits(given: unknown, written: unknown, place: string): string[] {
  if (typeOf(given) !== typeOf(written)) return [`${place}: ${typeOf(given)}, not ${typeOf(written)}`]
  if (Array.isArray(given) && Array.isArray(written)) {
    if (given.length > 0 !== written.length > 0) return [`${place}: ${given.length} entries`]
    return given.flatMap((entry: unknown, index) => {
      const problems = written.map((form: unknown) => misfits(entry, form, `${place}[${index}]`))
      return problems.find((found) => found.length === 0) ?? problems[0] ?? []
    })
  }
  if (typeof written !== 'object' || written === null) return []
  return Object.entries(written).flatMap(([name, value]) =>
    name in (given as JsonObject)
      ? misfits((given as JsonObject)[name], value, `${place}.${name}`)
      : [`${place}.${name} is absent`],
  )
}

/** The words that people see, in any order and among others, and the field for a password where there is one. */
function checkPage(given: string, written: string): void {
  const wordsOf = (page: string): string[] =>
    page
      .replace(/<[^>]*>/g, ' ')
      .replaceAll('&#39;', "'")
      .toLowerCase()
      .match(/[\p{L}\d#]{3,}/gu) ?? []
  const present = new Set(wordsOf(given))
  for (const word of wordsOf(written)) assert.ok(present.has(word), `the page lacks "${word}": ${given}`)
  assert.equal(given.includes('name="pass"'), written.includes('name="pass"'))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function mediaType(header: string | undefined): string | undefined {
  return header?.split(';')[0]
}
