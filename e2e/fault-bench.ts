import assert from 'node:assert/strict'
import { whirlpool } from './clients.ts'
import { askOwner, type Stand, startStand } from './stand.ts'

/** A longer wait than any that faults should cause. */
const PATIENCE_MS = 30_000

/** How an operation ended: rightly, or with an error in 1fichier's words. */
export type Ended = { readonly kind: 'right' } | { readonly kind: 'error'; readonly text: string }

/** Something a client wants; it can be tried again until it is right, and is never done twice. */
export interface Wish {
  run(signal?: AbortSignal): Promise<Ended>
}

/**
 * Time runs a hundred times faster, and calls may be 50 ms apart in real time: a busy machine is late by less.
 * Locks last a second on both sides, however often one comes.
 */
export function startFaultStand(env: Readonly<Record<string, string>> = {}): Promise<Stand> {
  const generalGapMs = 5_000
  const lockMs = 100_000
  const stand = startStand({
    timeScale: 100,
    env,
    rules: {
      rules: [{ id: 'general', burst: 1, gapMs: generalGapMs }],
      locks: { floodMs: lockMs, lockedMs: lockMs, longestMs: lockMs },
    },
    emulator: { lockMs },
  })
  return stand.then((started) => {
    started.emulator.setRules({ limits: { general: { count: 3, windowMs: 3 * generalGapMs } } })
    return started
  })
}

/** Operations of a client of the native door, each on files and folders of its own. */
export class FaultBench {
  readonly stand: Stand
  readonly #key: string
  #count = 0

  constructor(stand: Stand, key: string) {
    this.stand = stand
    this.#key = key
  }

  async list(): Promise<Wish> {
    const place = this.#place()
    await this.stand.emulator.account.putFile(`${place}/a.txt`, Buffer.from('a'))
    const id = this.stand.emulator.account.list(place)?.id
    return {
      run: (signal) =>
        this.#try(async () => {
          const { items } = await this.#call('file/ls', { folder_id: id }, signal)
          assert.deepEqual(
            items.map((item: { filename: string }) => item.filename),
            ['a.txt'],
          )
        }),
    }
  }

  async download(part: 'all' | 'end' = 'all'): Promise<Wish> {
    const place = this.#place()
    const content = Buffer.alloc(300_000, `${place}\n`)
    const { link } = await this.stand.emulator.account.putFile(`${place}/a.bin`, content)
    await this.#call('file/ls', { folder_id: this.stand.emulator.account.list(place)?.id })
    return {
      run: (signal) =>
        this.#try(async () => {
          const { url } = await this.#call('download/get_token', { url: link }, signal)
          const startByte = part === 'end' ? 250_000 : 0
          const headers = part === 'end' ? { range: `bytes=${startByte}-` } : {}
          const response = await this.#fetch(url, { headers }, signal)
          assert.equal(response.status, part === 'end' ? 206 : 200, await textOf(response))
          assert.ok(
            content.subarray(startByte).equals(Buffer.from(await response.arrayBuffer())),
            'other bytes',
          )
        }),
    }
  }

  /** Sends the same file again when it was refused, and asks again for a report that did not come. */
  async upload(): Promise<Wish> {
    const name = this.#place().slice(1)
    const content = Buffer.alloc(20_000, `${name}\n`)
    let id: string | undefined
    return {
      run: (signal) =>
        this.#try(async () => {
          id ??= await this.#send(name, content)
          const report = await this.#fetch(
            `${this.stand.url}/end.pl?xid=${id}`,
            { headers: { json: '1' } },
            signal,
          )
          const text = await report.text()
          if (report.status !== 200) id = undefined
          assert.equal(report.status, 200, text)
          assert.equal(JSON.parse(text).links[0]?.whirlpool, whirlpool(content), text)
          this.assertOnce(`/${name}`, content)
        }),
    }
  }

  async makeFolder(): Promise<Wish> {
    const place = this.#place()
    return {
      run: (signal) =>
        this.#try(async () => {
          await this.#call('folder/mkdir', { name: place.slice(1), folder_id: 0 }, signal).catch(
            (failure) => {
              // Made by an answer that was lost: whoever asks again is told that it is there.
              if (!/is already in/.test(String(failure))) throw failure
            },
          )
          const folders = this.stand.emulator.account.list('/')?.folders ?? []
          assert.equal(folders.filter((name) => name === place.slice(1)).length, 1)
        }),
    }
  }

  assertOnce(path: string, content: Buffer): void {
    const found = this.stand.emulator.account.files().filter((file) => file.path === path)
    assert.deepEqual(
      found.map((file) => file.whirlpool),
      [whirlpool(content)],
    )
  }

  /** A person has mended the account. */
  resume(): Promise<unknown> {
    return askOwner(this.stand, 'POST', '/resume')
  }

  /** How often 1fichier was called so far, in all or at one place. */
  calls(at?: string): number {
    const { calls } = this.stand.emulator.snapshot()
    if (at !== undefined) return calls[at] ?? 0
    return Object.values(calls).reduce((sum, count) => sum + count, 0)
  }

  async #send(name: string, content: Buffer): Promise<string> {
    const { id } = await this.#call('upload/get_upload_server', {})
    const form = new FormData()
    form.set('did', '0')
    form.set('file[]', new Blob([content]), name)
    const taken = await this.#fetch(`${this.stand.url}/upload.cgi?id=${id}`, { method: 'POST', body: form })
    assert.equal(taken.status, 302, await taken.text())
    return id
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answer of a call, of which each test knows its part.
  async #call(endpoint: string, body: object, signal?: AbortSignal): Promise<any> {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await this.#fetch(`${this.stand.url}/v1/${endpoint}.cgi`, init, signal)
    const text = await response.text()
    assert.equal(response.status, 200, text)
    const json = JSON.parse(text)
    assert.notEqual(json.status, 'KO', text)
    return json
  }

  #fetch(url: string, init: RequestInit, signal = AbortSignal.timeout(PATIENCE_MS)): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${this.#key}` }
    return fetch(url, { ...init, headers, redirect: 'manual', signal })
  }

  async #try(attempt: () => Promise<void>): Promise<Ended> {
    try {
      await attempt()
      return { kind: 'right' }
    } catch (failure) {
      return { kind: 'error', text: messageOf(failure) }
    }
  }

  #place(): string {
    this.#count += 1
    return `/case-${this.#count}`
  }
}

async function textOf(response: Response): Promise<string> {
  return response.ok ? '' : await response.clone().text()
}

function messageOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  const cause = failure.cause instanceof Error ? ` (${failure.cause.message})` : ''
  return `${failure.message}${cause}`
}
