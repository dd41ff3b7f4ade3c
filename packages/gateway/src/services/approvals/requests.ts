import { type ApprovalRequest, DAY_MS, GatewayError, type KeyId } from '@guichet/core'
import type { Doomed } from '../destruction.ts'
import type { Caller } from '../gate.ts'

export type Key = KeyId | 'owner'
export type Answer = 'yes' | 'no' | 'timeout'

/** A request that nobody has answered. */
export interface Open {
  readonly name: string
  readonly caller: Caller
  readonly askedMs: number
  readonly untilMs: number
  readonly isWaiting: boolean
  /** Names of files and folders, so that nothing is asked for twice. */
  readonly items: Set<string>
  readonly examples: string[]
  revision: number
  files: number
  folders: number
  bytes: number
  readonly answered: PromiseWithResolvers<Answer>
}

const EXAMPLES_MAX = 20
const GRANTED_MAX = 200_000
/** What was allowed and not done is forgotten after so long. */
const GRANT_MS = DAY_MS

/** Takes more into a request; false when all of it was asked for already. */
export function gather(open: Open, doomed: Doomed, paths: readonly string[]): boolean {
  const before = open.items.size
  for (const file of doomed.files) {
    if (open.items.has(fileItem(file))) continue
    open.items.add(fileItem(file))
    open.files += 1
    open.bytes += file.sizeBytes
  }
  for (const folder of doomed.folders) {
    if (open.items.has(folderItem(folder))) continue
    open.items.add(folderItem(folder))
    open.folders += 1
  }
  if (open.items.size === before) return false
  open.examples.push(...paths.slice(0, EXAMPLES_MAX - open.examples.length))
  open.revision += 1
  return true
}

export function idOf({ name, revision }: Open): string {
  return `${name}.${revision}`
}

export function requestOf(open: Open): ApprovalRequest {
  const { caller, files, folders, bytes, examples, askedMs, untilMs, isWaiting } = open
  const { key, name: keyName } = caller.principal
  return { id: idOf(open), key, keyName, files, folders, bytes, examples, askedMs, untilMs, isWaiting }
}

export function countsText({ files, folders, bytes }: Pick<Open, 'files' | 'folders' | 'bytes'>): string {
  const parts = [
    ...(files > 0 || folders === 0 ? [`${counted(files, 'file')} of ${counted(bytes, 'byte')}`] : []),
    ...(folders > 0 ? [counted(folders, 'folder')] : []),
  ]
  return parts.join(' and ')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** What was allowed to each key and is not done yet, thing by thing. */
export class Grants {
  readonly #untilMs = new Map<string, number>()

  add(key: Key, items: Iterable<string>, nowMs: number): void {
    for (const item of items) {
      const [oldest] = this.#untilMs.keys()
      if (this.#untilMs.size >= GRANTED_MAX && oldest !== undefined) this.#untilMs.delete(oldest)
      this.#untilMs.set(`${key} ${item}`, nowMs + GRANT_MS)
    }
  }

  /** What of it was not allowed. */
  without(key: Key, doomed: Doomed, nowMs: number): Doomed {
    const isGranted = (item: string): boolean => (this.#untilMs.get(`${key} ${item}`) ?? 0) > nowMs
    return {
      ...doomed,
      files: doomed.files.filter((file) => !isGranted(fileItem(file))),
      folders: doomed.folders.filter((folder) => !isGranted(folderItem(folder))),
    }
  }

  /** It is being done, and is allowed no more. */
  use(key: Key, doomed: Doomed): void {
    for (const file of doomed.files) this.#untilMs.delete(`${key} ${fileItem(file)}`)
    for (const folder of doomed.folders) this.#untilMs.delete(`${key} ${folderItem(folder)}`)
  }
}

function fileItem({ link }: Doomed['files'][number]): string {
  return `file:${link.id}`
}

function folderItem({ id }: Doomed['folders'][number]): string {
  return `folder:${id}`
}

export function noRequest(id: string): GatewayError {
  return new GatewayError('not-found', `nothing waits for approval as ${JSON.stringify(id.slice(0, 40))}`, {
    hint: '`guichet approve list` shows what waits; after a while, and after a restart, it is no',
  })
}
