import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import {
  type Scanned,
  type ScanOptions,
  scanContent,
  scanHistory,
  scanPaths,
  scanStaged,
  usualPlaces,
} from '@guichet/leaks'
import type { World } from '../world.ts'

export interface Wanted {
  readonly paths: readonly string[]
  readonly git: boolean
  readonly staged: boolean
  readonly places: boolean
}

/** Everything that is to be looked through, one after the other. */
export async function* scanAll(world: World, wanted: Wanted, options: ScanOptions): AsyncGenerator<Scanned> {
  const { git, staged, places } = wanted
  const paths = wanted.paths.length > 0 || places ? wanted.paths : ['.']
  // A name with a slip in it is not to pass for a clean folder.
  for (const path of paths) if (path !== '-') await stat(resolve(world.cwd, path))
  if (git || staged) {
    for (const path of paths) yield* (git ? scanHistory : scanStaged)(resolve(world.cwd, path), options)
  } else {
    for (const path of paths) {
      if (path === '-') yield* scanContent('-', await readInput(world, options.maxBytes), options.maxBytes)
      else yield* renamed(scanPaths([resolve(world.cwd, path)], options), resolve(world.cwd, path), path)
    }
  }
  if (places) {
    const { userHome, cwd, env } = world
    const usual = usualPlaces({ userHome, cwd, env }).map(({ path }) => path)
    // A place where there is nothing is no news.
    for await (const scanned of scanPaths(usual, options))
      if (scanned.kind !== 'unread' || scanned.reason !== 'it does not exist') yield scanned
  }
}

/** As it was named on the command line. */
async function* renamed(all: AsyncIterable<Scanned>, from: string, to: string): AsyncGenerator<Scanned> {
  const start = to === '.' ? '' : to
  for await (const scanned of all) {
    const rest = scanned.path.slice(from.length)
    yield {
      ...scanned,
      path: start === '' ? rest.replace(/^[\\/]/, '') || '.' : `${start.replace(/[\\/]$/, '')}${rest}`,
    }
  }
}

async function readInput(world: World, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of world.input) {
    pieces.push(Buffer.from(piece))
    bytes += pieces.at(-1)?.length ?? 0
    if (bytes > maxBytes) {
      throw new GatewayError('too-large', `there are more than ${maxBytes} bytes on the input`, {
        hint: 'give --max-size, or a file',
      })
    }
  }
  return Buffer.concat(pieces)
}
