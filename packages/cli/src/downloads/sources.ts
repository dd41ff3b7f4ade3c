import { join, sep } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { ApiFile, Guichet } from '@guichet/sdk'
import { meansFolder, parsePlace } from '../places.ts'
import { cutOf, walk } from '../walk.ts'

/** A file on its way here: what it is, and its path below the destination. */
export interface Wanted {
  readonly file: ApiFile
  readonly local: string
}

export interface WantedTree {
  readonly files: readonly Wanted[]
  /** Is it one file by its name, which may get another name here? */
  readonly isSingle: boolean
  /** Folders to make, by their paths below the destination. */
  readonly folders: readonly string[]
  readonly refused: readonly { readonly source: string; readonly error: GatewayError }[]
}

/** Looks at what is to be fetched. `/a` becomes the folder `a`, `/a/` stands for what is inside it. */
export async function findWanted(
  guichet: Guichet,
  texts: readonly string[],
  options: { readonly recursive: boolean; readonly signal: AbortSignal },
): Promise<WantedTree> {
  const { recursive, signal } = options
  const found = {
    isSingle: false,
    files: [] as Wanted[],
    folders: [] as string[],
    refused: [] as WantedTree['refused'][number][],
  }
  const taken = new Set<string>()
  const take = (file: ApiFile, names: readonly string[]): void => {
    const local = join(...names, file.name)
    const problem = problemHere(file.name) ?? (taken.has(local) ? 'is there twice' : undefined)
    taken.add(local)
    if (problem === undefined) found.files.push({ file, local })
    else found.refused.push({ source: file.path, error: refusal(file, problem) })
  }
  for (const text of texts) {
    const at = parsePlace(text)
    const node = await guichet.stat(at, { signal })
    if (node.kind === 'file') {
      found.isSingle = texts.length === 1
      take(node, [])
      continue
    }
    if (!recursive) {
      throw new GatewayError('invalid', `${JSON.stringify(node.path)} is a folder`, {
        hint: 'give -r to fetch it with everything in it',
      })
    }
    const top = meansFolder(text) || node.name === '' || node.path === '/' ? [] : [node.name]
    for await (const { listing, names } of walk(guichet, at, { signal })) {
      const bad = [...top, ...names].find((name) => problemHere(name) !== undefined)
      if (bad !== undefined) {
        throw new GatewayError('invalid', `a folder named ${JSON.stringify(bad)} cannot be made here`, {
          hint: 'give it another name on the account with `guichet mv`, or fetch the other folders one by one',
        })
      }
      if (top.length + names.length > 0) found.folders.push(join(...top, ...names))
      const cut = cutOf(listing)
      if (cut !== undefined) found.refused.push({ source: listing.folder.path, error: cut })
      for (const file of listing.files) take(file, [...top, ...names])
    }
  }
  return found
}

/** A name from the account must not lead anywhere else on this machine. */
function problemHere(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'is not a name of a file here'
  if (name.includes('/') || name.includes(sep) || name.includes('\0'))
    return 'holds a character that names of files cannot have here'
  return undefined
}

function refusal(file: ApiFile, problem: string): GatewayError {
  return new GatewayError('invalid', `the name of ${JSON.stringify(file.path)} ${problem}`, {
    hint: `fetch it by its link under another name: \`guichet get ${file.link} NAME\``,
  })
}
