import { GatewayError } from '@guichet/core'
import type { ApiListing, Guichet } from '@guichet/sdk'
import type { Printer } from './print.ts'

export interface Step {
  readonly listing: ApiListing
  /** 0 for the folder where the walk began. */
  readonly depth: number
  /** The names of the folders from where the walk began down to this one. */
  readonly names: readonly string[]
}

export interface WalkOptions {
  readonly signal: AbortSignal
  readonly refresh?: boolean
  /** How many levels below the start; absent: all. */
  readonly depthMax?: number | undefined
}

/** No account has folders so deep; a circle in what is told would have no end. */
const DEPTH_LIMIT = 200

/** Each folder with what is below it, from the top down, one question at a time. */
export async function* walk(guichet: Guichet, at: string, options: WalkOptions): AsyncGenerator<Step> {
  const { signal, refresh = false, depthMax = DEPTH_LIMIT } = options
  const waiting: { readonly at: string; readonly depth: number; readonly names: readonly string[] }[] = [
    { at, depth: 0, names: [] },
  ]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { depth, names } = next
    const listing = await guichet.list(next.at, { signal, refresh })
    yield { listing, depth, names }
    if (depth >= Math.min(depthMax, DEPTH_LIMIT)) continue
    const below = listing.folders.map(({ id, name }) => ({
      at: `folder:${id}`,
      depth: depth + 1,
      names: [...names, name],
    }))
    waiting.push(...below.reverse())
  }
}

/** What is to be said of a folder that holds more than can be listed. */
export function cutOf({ folder, files, isCut }: ApiListing): GatewayError | undefined {
  if (isCut !== true) return undefined
  const text = `${folder.path} holds more than 1fichier lists of one folder: ${files.length} of its files are known`
  return new GatewayError('too-large', text, {
    hint: 'move or remove some of them, then list it again with `guichet ls --refresh`',
  })
}

export function warnOfCut(print: Printer, listing: ApiListing): void {
  const cut = cutOf(listing)
  if (cut !== undefined) print.warning(cut.message, cut.hint)
}
