import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'
import type { ApiFile, FileContent } from '@guichet/sdk'
import { withPatience } from '../patience.ts'
import type { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { createWhirlpool } from '../whirlpool.ts'

export const ATTEMPTS_MAX = 8
/** A whole file is fetched once more when it came wrong, not again and again. */
const CORRUPTIONS_MAX = 1
const READ_BYTES = 1024 * 1024
/** The longest name of a file on the usual file systems. */
const NAME_BYTES_MAX = 255

interface Part {
  readonly whirlpool: string
  readonly isVerified: boolean
  /** Which file of this machine it is, whatever its name. */
  readonly inode: string
}

/**
 * Fetches a file into a part next to its target, going on where an earlier attempt stopped,
 * and renames it once its checksum is right. Two commands that fetch it to one place share the part and do not disturb
 * each other. Rejects with `corrupt` when 1fichier's bytes are not what they should be; then nothing is left.
 */
export async function receiveFile(
  session: Session,
  file: ApiFile,
  target: string,
  progress: Progress,
  attemptsMax: number = ATTEMPTS_MAX,
): Promise<{ readonly whirlpool: string; readonly isVerified: boolean }> {
  const part = partOf(target, file.id)
  // Nothing would tell whether the bytes in it are right.
  if (file.whirlpool === undefined) await rm(part, { force: true })
  let corruptions = 0
  const patience = {
    clock: session.world.clock,
    signal: session.stop,
    attemptsMax,
    mayRetry(error: GatewayError): boolean {
      if (error.code === 'corrupt') corruptions += 1
      return corruptions <= CORRUPTIONS_MAX
    },
    onWait: (error: GatewayError, waitMs: number) =>
      progress.tell(`${error.message}; again in ${Math.ceil(waitMs / 1000)} s`),
  }
  const fetched = await withPatience(patience, () => receivePart(session, file, part, progress))
  await putInPlace(part, target, fetched, file)
  await syncFolder(dirname(target))
  return fetched
}

/** The new name survives a loss of power; some file systems know no such thing, and take care of it by themselves. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync().catch((failure: unknown) => {
    if (systemCodeOf(failure) !== 'EINVAL' && systemCodeOf(failure) !== 'ENOTSUP') throw failure
  })
}

/** Named after the file's id as well: a part of something else, or somebody's own file, is never taken for ours. */
export function partOf(target: string, id: string): string {
  const ending = `.${id}.part`
  const name = Buffer.from(basename(target)).subarray(0, NAME_BYTES_MAX - ending.length)
  // A character that was cut in two is left out.
  return join(dirname(target), `${name.toString().replace(/\ufffd$/, '')}${ending}`)
}

async function putInPlace(part: string, target: string, { inode }: Part, file: ApiFile): Promise<void> {
  try {
    await rename(part, target)
  } catch (failure) {
    if (systemCodeOf(failure) !== 'ENOENT') throw failure
    // Another command with the same wish was first; it has put the very same file there.
    const there = await stat(target, { bigint: true }).catch(() => undefined) // Not there: told below.
    if (there !== undefined && inodeOf(there) === inode) return
    throw new GatewayError('conflict', `the part of ${JSON.stringify(file.path)} was taken away meanwhile`, {
      hint: 'run it again, and let one command at a time fetch it to this place',
      cause: failure,
    })
  }
}

async function receivePart(session: Session, file: ApiFile, part: string, progress: Progress): Promise<Part> {
  // A link in its place would lead the bytes into another file.
  await using handle = await open(part, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0))
  const hash = createWhirlpool()
  let offset = await hashExisting(handle, file.sizeBytes, hash, session.stop)
  const resumedBytes = offset
  progress.add(offset)
  let expected = file.whirlpool
  try {
    if (offset < file.sizeBytes) {
      const content = await openContent(session, file, offset)
      expected = content.whirlpool ?? expected
      for await (const chunk of content.body) {
        if (offset + chunk.byteLength > file.sizeBytes) throw changed(file)
        await writeAt(handle, chunk, offset)
        hash.update(chunk)
        offset += chunk.byteLength
        progress.add(chunk.byteLength)
      }
    }
    if (offset < file.sizeBytes) {
      throw new GatewayError('unavailable', `${JSON.stringify(file.path)} broke off after ${offset} bytes`, {
        hint: 'run the same command again: it goes on where it stopped',
      })
    }
  } catch (failure) {
    progress.add(-offset)
    throw failure
  }
  await handle.sync()
  const whirlpool = hash.digest('hex')
  if (expected !== undefined && expected !== whirlpool) {
    progress.add(-offset)
    await rm(part, { force: true })
    throw new GatewayError('corrupt', `the bytes of ${JSON.stringify(file.path)} do not have its checksum`, {
      hint:
        resumedBytes > 0
          ? 'run it again: the part that was there belonged to another version'
          : 'try again later',
      // A part of another version explains it: then it is worth asking again at once.
      ...(resumedBytes > 0 ? { retryAfterMs: 0 } : {}),
    })
  }
  return {
    whirlpool,
    isVerified: expected !== undefined,
    inode: inodeOf(await handle.stat({ bigint: true })),
  }
}

function inodeOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`
}

/** At its own place, so that whoever writes to the same part writes the same bytes to the same places. */
async function writeAt(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** Takes in what an earlier attempt left; a part that is too long belongs to something else and is dropped. */
async function hashExisting(
  handle: FileHandle,
  sizeBytes: number,
  hash: ReturnType<typeof createWhirlpool>,
  signal: AbortSignal,
): Promise<number> {
  const { size } = await handle.stat()
  if (size > sizeBytes) {
    await handle.truncate(0)
    return 0
  }
  const buffer = new Uint8Array(READ_BYTES)
  let offset = 0
  while (offset < size) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
  return offset
}

async function openContent(session: Session, file: ApiFile, offset: number): Promise<FileContent> {
  const { guichet } = session.connect()
  const content = await guichet.get(file.link, {
    signal: session.stop,
    ...(offset > 0 ? { range: { startByte: offset } } : {}),
  })
  if (content.startByte === offset) return content
  for await (const _ of content.body) break
  throw changed(file)
}

function changed(file: ApiFile): GatewayError {
  return new GatewayError('conflict', `${JSON.stringify(file.path)} is not what it was a moment ago`, {
    hint: 'list it with `guichet ls --refresh`, remove the .part file, and get it again',
  })
}
