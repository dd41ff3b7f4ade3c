import { constants } from 'node:fs'
import { open, opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '@guichet/core'
import { findKeysInParts } from './scan-text.ts'
import type { Scanned, ScanOptions } from './scanned.ts'
import { textOf } from './text-of.ts'

/** Compressed, and looked through as a history instead. */
const GIT_OBJECTS = /[\\/]?\.git[\\/](?:objects|lfs)$/

/**
 * Looks through files, and folders with all that is below them. Links are followed where they are named themselves, not
 * inside folders, so that a scan stays where it was sent.
 */
export async function* scanPaths(paths: readonly string[], options: ScanOptions): AsyncGenerator<Scanned> {
  const seen = new Set<string>()
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) yield* scanFolder(path, options, seen)
      else yield* scanFile(path, options, seen)
    } catch (failure) {
      yield unread(path, failure)
    }
  }
}

async function* scanFolder(folder: string, options: ScanOptions, seen: Set<string>): AsyncGenerator<Scanned> {
  const names: { readonly name: string; readonly kind: 'file' | 'folder' }[] = []
  try {
    for await (const entry of await opendir(folder)) {
      options.signal?.throwIfAborted()
      if (entry.isDirectory()) names.push({ name: entry.name, kind: 'folder' })
      else if (entry.isFile()) names.push({ name: entry.name, kind: 'file' })
    }
  } catch (failure) {
    options.signal?.throwIfAborted()
    yield unread(folder, failure)
  }
  for (const { name, kind } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, name)
    if (kind === 'file') yield* scanFile(path, options, seen)
    else if (!GIT_OBJECTS.test(path)) yield* scanFolder(path, options, seen)
  }
}

async function* scanFile(path: string, options: ScanOptions, seen: Set<string>): AsyncGenerator<Scanned> {
  options.signal?.throwIfAborted()
  try {
    const real = await realpath(path)
    if (seen.has(real)) return
    seen.add(real)
    // A pipe that nobody writes to must not hold us at the opening.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const facts = await handle.stat()
    if (!facts.isFile()) return yield { kind: 'unread', path, reason: 'it is no regular file' }
    if (facts.size > options.maxBytes) return yield tooLarge(path, facts.size, options.maxBytes)
    const content = await handle.readFile()
    yield* scanContent(path, content, options.maxBytes)
  } catch (failure) {
    options.signal?.throwIfAborted()
    yield unread(path, failure)
  }
}

/** What is in a content that has been read already. */
export function* scanContent(path: string, content: Buffer, maxBytes: number): Generator<Scanned> {
  for (const finding of findKeysInParts(textOf(path, content, maxBytes), path))
    yield { kind: 'found', path, finding }
  yield { kind: 'looked', path, bytes: content.length }
}

export function tooLarge(path: string, sizeBytes: number, maxBytes: number): Scanned {
  return {
    kind: 'unread',
    path,
    reason: `it has ${sizeBytes} bytes, more than the ${maxBytes} that are looked at`,
  }
}

/** A folder or file that vanished while it was looked for, or that this user may not read, ends nothing. */
function unread(path: string, failure: unknown): Scanned {
  const code = systemCodeOf(failure)
  if (code === undefined) throw failure
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'this user may not read it',
    EPERM: 'this user may not read it',
    ELOOP: 'it is a link in a circle',
    ENOTDIR: 'its path goes through something that is no folder',
  }
  return { kind: 'unread', path, reason: reasons[code] ?? `it cannot be read (${code})` }
}
