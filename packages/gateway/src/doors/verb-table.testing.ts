import { randomBytes } from 'node:crypto'
import { type FileNode, type FolderId, pathText, ROOT, VERBS, type Verb } from '@guichet/core'
import type { Answer, Ask, Counter } from './counter.testing.ts'

/** One request, and all the verbs that it takes. */
export interface Row {
  /** `folder/ls` of the native door, `GET /children` of Guichet's own. */
  readonly route: string
  /** What is special about the request, where a route has several rows. */
  readonly how: string
  /** `owner`: no key is enough. */
  readonly needs: readonly Verb[] | 'owner'
  /** What a refusal looks like. */
  readonly refusal: 'KO' | 'code' | 'status'
  /** The request; `key` is the one that will ask. */
  ask(ground: Ground, key: string): Promise<Ask> | Ask
}

/** A piece of the account for one request: a folder with a file and an empty folder in it. */
export interface Ground {
  readonly counter: Counter
  readonly folder: FolderId
  readonly folderPath: string
  readonly file: FileNode
  readonly filePath: string
  /** The link of the file. */
  readonly url: string
  readonly empty: FolderId
  readonly emptyPath: string
}

export const JSON_TYPE = { 'content-type': 'application/json' }

/** A name that nothing has yet. */
export const word = (): string => randomBytes(4).toString('hex')

export async function layGround(counter: Counter, parent: FolderId = ROOT): Promise<Ground> {
  const { account, tree, clock } = counter
  const nowMs = clock.nowMs()
  const make = async (into: FolderId, called: string): Promise<FolderId> => {
    const id = await account.makeFolder(called, into, {})
    await tree.addFolder({ id, parent: into, name: called }, nowMs)
    await tree.markListed(id, nowMs)
    return id
  }
  await tree.markListed(ROOT, nowMs)
  const above =
    parent === ROOT ? '' : pathText(((await tree.ancestry(parent)) ?? []).slice(1).map((step) => step.name))
  const name = word()
  const folder = await make(parent, name)
  const inner = word()
  const empty = await make(folder, inner)
  const entry = account.plant(folder, word(), Buffer.from('content'), nowMs)
  await tree.addFile(folder, entry, nowMs)
  return {
    counter,
    folder,
    folderPath: `${above}/${name}`,
    file: { ...entry, folder },
    filePath: `${above}/${name}/${entry.name}`,
    url: `https://1fichier.com/?${entry.link.id}`,
    empty,
    emptyPath: `${above}/${name}/${inner}`,
  }
}

/** All verbs but one; without `stat` there is no `list`, which includes it. */
export function allBut(verb: Verb): readonly Verb[] {
  return VERBS.filter((one) => one !== verb && !(verb === 'stat' && one === 'list'))
}

/** Whether these verbs are enough for a row. */
export function isEnough(verbs: readonly Verb[], needs: readonly Verb[]): boolean {
  return needs.every((verb) => verbs.includes(verb) || (verb === 'stat' && verbs.includes('list')))
}

/** The row in words. */
export function titleOf({ route, how }: Row): string {
  return `${route} ${how}`.trim()
}

/** Is the answer a refusal in the words of its door? */
export function isRefusal({ refusal }: Row, { status, json }: Answer): boolean {
  if (status !== 403 || refusal === 'status') return status === 403
  if (refusal === 'code') return json['code'] === 'forbidden'
  return json['status'] === 'KO' && /^Resource not allowed: .* #186$/s.test(String(json['message']))
}
