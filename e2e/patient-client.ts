import { setTimeout as wait } from 'node:timers/promises'
import { whirlpool } from './clients.ts'

const AGAIN_MS = 100

/** What a client has been told is stored. */
export interface Acknowledged {
  readonly path: string
  readonly whirlpool: string
}

/**
 * Sends files as rclone does: when a connection breaks or the gateway is not there, the same request goes again.
 * Counts how often that was needed.
 */
export class PatientClient {
  readonly #url: string
  readonly #key: string
  /** Ends the repeating when the test is over before its time. */
  readonly #over: AbortSignal
  repeats = 0

  constructor(url: string, key: string, over: AbortSignal) {
    this.#url = url
    this.#key = key
    this.#over = over
  }

  /** By Guichet's own door: acknowledged with 201. */
  async put(path: string, content: Buffer): Promise<Acknowledged> {
    const hash = whirlpool(content)
    const answer = await this.#ask(`/api/v1/content?parents=1&at=${encodeURIComponent(path)}`, {
      method: 'PUT',
      body: content,
    })
    if (answer.status === 201) return { path, whirlpool: hash }
    throw new Error(`PUT ${path}: ${answer.status} ${answer.text}`)
  }

  /** By the native door, as rclone does: acknowledged by the report. */
  async upload(folder: number, path: string, content: Buffer): Promise<Acknowledged> {
    while (true) {
      const { id } = JSON.parse((await this.#call('upload/get_upload_server', {})).text)
      const form = new FormData()
      form.set('did', String(folder))
      form.set('file[]', new Blob([content]), path.slice(path.lastIndexOf('/') + 1))
      const taken = await this.#once(`/upload.cgi?id=${id}`, { method: 'POST', body: form })
      if (taken?.status !== 302) {
        await this.#pause()
        continue
      }
      const report = await this.#ask(`/end.pl?xid=${id}`, { headers: { json: '1' } })
      const { links } = JSON.parse(report.text)
      const hash = whirlpool(content)
      if (links?.length !== 1 || links[0].whirlpool !== hash) throw new Error(`end.pl: ${report.text}`)
      return { path, whirlpool: hash }
    }
  }

  /** The listing of the whole account, which 1fichier gives once an hour. */
  async listAll(): Promise<number> {
    return JSON.parse((await this.#call('file/ls', { folder_id: -1 })).text).count
  }

  async makeFolder(name: string): Promise<number> {
    return JSON.parse((await this.#call('folder/mkdir', { name, folder_id: 0 })).text).folder_id
  }

  #call(endpoint: string, body: object): Promise<Answer> {
    const headers = { 'content-type': 'application/json' }
    return this.#ask(`/v1/${endpoint}.cgi`, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  async #ask(path: string, init: RequestInit): Promise<Answer> {
    while (true) {
      const answer = await this.#once(path, init)
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer
      await this.#pause()
    }
  }

  /** `undefined` when the connection broke, or was never made. */
  async #once(path: string, init: RequestInit): Promise<Answer | undefined> {
    const headers = { ...init.headers, authorization: `Bearer ${this.#key}` }
    try {
      const response = await fetch(`${this.#url}${path}`, {
        ...init,
        headers,
        redirect: 'manual',
        signal: this.#over,
      })
      return { status: response.status, text: await response.text() }
    } catch (failure) {
      if (this.#over.aborted) throw failure
      return undefined
    }
  }

  async #pause(): Promise<void> {
    this.repeats += 1
    await wait(AGAIN_MS, undefined, { signal: this.#over })
  }
}

interface Answer {
  readonly status: number
  readonly text: string
}
