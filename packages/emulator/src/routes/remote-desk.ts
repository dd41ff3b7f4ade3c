import { guessMimeType } from '../content/mime.ts'
import type { StoredContent } from '../content/store.ts'
import { fileLink } from '../hosts.ts'
import { type Random, randomFileId } from '../random.ts'
import type { Readings } from '../readings.ts'
import type { Account } from '../state/account.ts'
import type { RemoteJob, RemoteResult } from '../state/belongings.ts'
import { newFile } from '../state/records.ts'
import { isGoodFileName } from './names.ts'

/** What a remote address holds: bytes, computed content, or nothing that can be fetched. */
export type RemoteSource = (
  url: string,
  headers: Readonly<Record<string, string>>,
) => Promise<Uint8Array | { readonly sizeBytes: number; readonly seed: string } | undefined>

const SYNTHETIC_BYTES = 100_000

/**
 * The source when none is given: no network is touched.
 * Every http, https or ftp address holds 100,000 computed bytes, unless its path has the word `missing`.
 */
export const syntheticSource: RemoteSource = async (url) => {
  const isReachable = /^(https?|ftp):\/\//.test(url) && !/missing/.test(url)
  return isReachable ? { sizeBytes: SYNTHETIC_BYTES, seed: url } : undefined
}

/** Remote uploads: jobs wait their time, then every address becomes a file or an error. */
export class RemoteDesk {
  readonly #account: Account
  readonly #source: RemoteSource
  readonly #underWay = new Set<number>()

  constructor(account: Account, source: RemoteSource) {
    this.#account = account
    this.#source = source
  }

  request(wish: Pick<RemoteJob, 'urls' | 'headers' | 'folderId' | 'requestedMs'>): RemoteJob {
    const jobs = this.#account.belongings().remoteJobs
    const id = 1 + jobs.reduce((highest, job) => Math.max(highest, job.id), 0)
    const job: RemoteJob = { ...wish, id, executedMs: null, results: [] }
    this.#account.changeBelongings({ remoteJobs: [...jobs, job] })
    return job
  }

  /** Carries out the jobs whose time has come. */
  async settle(delayMs: number, nowMs: number, readings: Readings, random: Random): Promise<void> {
    for (const job of this.#account.belongings().remoteJobs) {
      const isDue = job.executedMs === null && nowMs - job.requestedMs >= delayMs
      if (!isDue || this.#underWay.has(job.id)) continue
      this.#underWay.add(job.id)
      const results: RemoteResult[] = []
      for (const url of job.urls) results.push(await this.#fetch(job, url, nowMs, readings, random))
      const done = { ...job, executedMs: nowMs, results }
      const jobs = this.#account.belongings().remoteJobs.map((known) => (known.id === job.id ? done : known))
      this.#account.changeBelongings({ remoteJobs: jobs })
    }
  }

  async #fetch(
    job: RemoteJob,
    url: string,
    nowMs: number,
    readings: Readings,
    random: Random,
  ): Promise<RemoteResult> {
    const found = await this.#find(url, job.headers)
    if (!found) return { status: 'KO', url, download_link: '', message: 'Unable to fetch the URL' }
    const stored = await this.#stored(found)
    const leaf = leafOf(url)
    const name = isGoodFileName(leaf, readings) ? leaf : 'download.bin'
    const file = newFile({
      ...stored,
      id: randomFileId(random),
      folderId: job.folderId,
      name,
      storedMs: nowMs,
      mimeType: guessMimeType(name),
    })
    this.#account.tree.saveFile(file)
    return { status: 'OK', url, download_link: fileLink(0, file.id), message: '' }
  }

  /** A source that fails is an address that cannot be fetched: the job ends with an error of its own. */
  async #find(url: string, headers: RemoteJob['headers']): ReturnType<RemoteSource> {
    if (!URL.canParse(url)) return undefined
    try {
      return await this.#source(url, headers)
    } catch {
      return undefined
    }
  }

  async #stored(
    found: Uint8Array | { readonly sizeBytes: number; readonly seed: string },
  ): Promise<StoredContent> {
    if (!(found instanceof Uint8Array)) {
      return { content: { kind: 'synthetic', seed: found.seed }, sizeBytes: found.sizeBytes, whirlpool: '' }
    }
    return await this.#account.contents.store(found)
  }
}

function leafOf(url: string): string {
  const leaf = new URL(url).pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(leaf)
  } catch {
    // Such as `100%.bin`: what is not encoded stands for itself.
    return leaf
  }
}
