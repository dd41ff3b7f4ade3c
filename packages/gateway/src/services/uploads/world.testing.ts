import { createHash } from 'node:crypto'
import {
  type FileHost,
  type FolderId,
  GatewayError,
  type KeyId,
  parseFolderId,
  parseKeyId,
  type Transfer,
  type TransferId,
  type TransferJournal,
  type Tree,
} from '@guichet/core'
import { FakeClock, MemoryHost } from '@guichet/testkit'
import {
  openDatabase,
  SqliteFactStore,
  SqliteKeyStore,
  SqliteTransferJournal,
  SqliteTree,
} from '../../stores/sqlite/index.ts'
import { createUploads } from './journaled-uploads.ts'
import type { UploaderLimits } from './limits.ts'
import { startUploader } from './patient-uploader.ts'
import { createUploadReach } from './reach.ts'
import type { Uploader } from './uploader.ts'
import type { Received, UploadSpool, Uploads } from './uploads.ts'
import type { UploadContent } from './work.ts'

export const FOLDER: FolderId = parseFolderId(7)
export const KEY: KeyId = parseKeyId('k-abcdefgh')
export const START_MS: number = Date.UTC(2026, 5, 1, 12)

/** The spool without a disk. */
export class MemorySpool implements UploadSpool, UploadContent {
  readonly contents: Map<TransferId, Uint8Array> = new Map()

  async receive(
    id: TransferId,
    content: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly sizeBytes: number; readonly whirlpool: string }> {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    const whole = Buffer.concat(parts)
    this.contents.set(id, whole)
    return { sizeBytes: whole.length, whirlpool: whirlpoolOf(whole) }
  }

  async *open(id: TransferId): AsyncGenerator<Uint8Array> {
    const content = this.contents.get(id)
    if (content === undefined) throw new GatewayError('not-found', `no content of ${id}`)
    for (let at = 0; at < content.length; at += 4) yield content.subarray(at, at + 4)
  }

  async sizeBytes(id: TransferId): Promise<number | undefined> {
    return this.contents.get(id)?.length
  }

  async remove(id: TransferId): Promise<void> {
    this.contents.delete(id)
  }

  async ids(): Promise<readonly TransferId[]> {
    return [...this.contents.keys()]
  }

  async sweep(keep: ReadonlySet<TransferId>): Promise<number> {
    const gone = [...this.contents.keys()].filter((id) => !keep.has(id))
    for (const id of gone) this.contents.delete(id)
    return gone.length
  }
}

/** The same host but for one method. */
export function hostWith<Name extends keyof FileHost>(
  host: FileHost,
  name: Name,
  method: FileHost[Name],
): FileHost {
  return new Proxy(host, {
    get: (target, property) => {
      if (property === name) return method
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** What a process works with; a test may put something between. */
export interface Ports {
  readonly host: FileHost
  readonly tree: Tree
  readonly journal: TransferJournal
  readonly spool: MemorySpool
}

export interface Process extends AsyncDisposable {
  readonly uploader: Uploader
  readonly uploads: Uploads
}

/** One account, one journal, one spool; processes over them come and go. */
export class UploadsWorld implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock(START_MS)
  readonly host: MemoryHost = new MemoryHost({ clock: this.clock, whirlpool: whirlpoolOf })
  readonly #db = openDatabase({ path: ':memory:' })
  readonly tree: SqliteTree = new SqliteTree(this.#db)
  readonly keys: SqliteKeyStore = new SqliteKeyStore(this.#db)
  readonly journal: SqliteTransferJournal = new SqliteTransferJournal(this.#db)
  readonly facts: SqliteFactStore = new SqliteFactStore(this.#db)
  readonly spool: MemorySpool = new MemorySpool()
  #ids = 0

  /** A world with one folder, id 7, that the tree knows. */
  static async open(): Promise<UploadsWorld> {
    const world = new UploadsWorld()
    for (let id = 0; id !== FOLDER; ) id = await world.host.makeFolder('backup', parseFolderId(0), {})
    await world.tree.addFolder({ id: FOLDER, parent: parseFolderId(0), name: 'backup' }, START_MS)
    return world
  }

  async start(limits: Partial<UploaderLimits> = {}, ports: Partial<Ports> = {}): Promise<Process> {
    const { tree, journal, spool, host } = { ...this.#ports(), ...ports }
    const { clock } = this
    const uploader = startUploader({
      host: () => host,
      tree,
      journal,
      facts: this.facts,
      spool,
      reaches: createUploadReach({ keys: this.keys, tree }),
      clock,
      lingerMs: { alone: 150, more: 5_000 },
      limits: { stopMs: 0, ...limits },
    })
    const random = (count: number): Uint8Array => {
      this.#ids += 1
      return Uint8Array.from({ length: count }, (_, index) => Math.floor(this.#ids / 32 ** index) % 32)
    }
    const hashers = {
      whirlpool: () => ({ update: async () => {}, digest: async () => '', abandon: () => {} }),
    }
    const uploads = createUploads({ journal, tree, spool, hashers, uploader, clock, random })
    await uploader.recover()
    return { uploader, uploads, [Symbol.asyncDispose]: () => uploader[Symbol.asyncDispose]() }
  }

  /** Lets time pass until it is so; it is looked at less and less often. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    const look = async (): Promise<void> => {
      for (let waitMs = 50; !(await isSo()); waitMs = Math.min(waitMs * 1.3, 60_000)) {
        await this.clock.sleep(waitMs)
      }
    }
    await this.passing(look())
  }

  /** Lets time pass until the promise is settled, at most a week of it. */
  async passing<T>(promise: Promise<T>): Promise<T> {
    return await this.clock.until(promise, 7 * 24 * 3_600_000)
  }

  async states(): Promise<string> {
    const counts = await this.journal.counts()
    return Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')
  }

  /** Names and contents in the folder. */
  stored(folder: FolderId = FOLDER): readonly string[] {
    return this.host
      .filesIn(folder)
      .map(({ entry, content }) => `${entry.name}=${Buffer.from(content).toString()}`)
      .toSorted()
  }

  calls(method: keyof FileHost): number {
    return this.host.calls.get(method) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db[Symbol.asyncDispose]()
  }

  #ports(): Ports {
    return { host: this.host, tree: this.tree, journal: this.journal, spool: this.spool }
  }
}

/** One client upload of these files, committed. */
export async function put(
  process: Process,
  upload: string,
  files: Readonly<Record<string, string>>,
  options: { readonly more?: boolean; readonly folder?: FolderId; readonly key?: KeyId } = {},
): Promise<readonly Transfer[]> {
  const received: Received[] = []
  for (const [name, content] of Object.entries(files)) {
    const key = options.key ?? KEY
    const folder = options.folder ?? FOLDER
    received.push(await process.uploads.receive({ key }, folder, { name }, contentOf(content)))
  }
  return await process.uploads.commit(upload, received, { more: options.more ?? false })
}

export async function* contentOf(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 3) yield Buffer.from(text.slice(at, at + 3))
}

export function whirlpoolOf(content: Uint8Array): string {
  return createHash('whirlpool').update(content).digest('hex')
}
