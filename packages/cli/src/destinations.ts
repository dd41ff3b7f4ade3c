import { GatewayError } from '@guichet/core'
import type { ApiListing, ApiNode, Guichet } from '@guichet/sdk'
import { meansFolder, parseFolderPlace, parsePlace } from './places.ts'

/** Of several words the last one is where the others go; Commander has no such arguments. */
export function takeDestination(
  words: readonly string[],
  usage: string,
): { readonly from: readonly string[]; readonly to: string } {
  const to = words.at(-1)
  if (to !== undefined && words.length > 1) return { from: words.slice(0, -1), to }
  throw new GatewayError('invalid', 'the destination is missing', {
    hint: `write it last, as in \`${usage}\``,
  })
}

/** Where things go on the account: a folder by its path, and the new name of a single thing. */
export interface Destination {
  readonly folder: string
  readonly name?: string
}

/** As `cp` has it: into a folder that exists or is meant as one, else the last part is the new name. */
export async function resolveDestination(
  guichet: Guichet,
  text: string,
  options: { readonly isSingle: boolean; readonly signal: AbortSignal },
): Promise<Destination> {
  const { isSingle, signal } = options
  const at = meansFolder(text) || !isSingle ? parseFolderPlace(text) : parsePlace(text)
  if (at === '/') return { folder: '/' }
  const node = await findNode(guichet, at, signal)
  if (node?.kind === 'folder') return { folder: node.path }
  if (node !== undefined && (!isSingle || meansFolder(text))) {
    throw new GatewayError('conflict', `${JSON.stringify(node.path)} is a file, not a folder`, {
      hint: 'name a folder to put things into',
    })
  }
  const path = node?.path ?? at
  if (!path.startsWith('/')) throw nothingThere(at)
  if (!isSingle || meansFolder(text)) return { folder: path }
  const slash = path.lastIndexOf('/')
  return { folder: path.slice(0, slash) || '/', name: path.slice(slash + 1) }
}

export async function findNode(
  guichet: Guichet,
  at: string,
  signal: AbortSignal,
): Promise<ApiNode | undefined> {
  return unlessMissing(guichet.stat(at, { signal }))
}

export async function findListing(
  guichet: Guichet,
  at: string,
  signal: AbortSignal,
): Promise<ApiListing | undefined> {
  return unlessMissing(guichet.list(at, { signal }))
}

async function unlessMissing<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer
  } catch (failure) {
    if (failure instanceof GatewayError && failure.code === 'not-found') return undefined
    throw failure
  }
}

function nothingThere(at: string): GatewayError {
  return new GatewayError('not-found', `there is nothing at ${JSON.stringify(at)}`, {
    hint: '`guichet ls /` shows what is there',
  })
}
