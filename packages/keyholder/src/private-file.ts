import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'

export interface PrivateFile {
  readonly path: string
  /** How a person calls it: "the vault". */
  readonly what: string
  /** The next step of a person who has none. */
  readonly whenMissing: string
  readonly bytesMax: number
  /**
   * Who keeps others away from it. `owner`: its mode and owner, which are checked.
   * `service-manager`: the directory that systemd mounted; its files may show the group bits of an access list.
   */
  readonly guard: 'owner' | 'service-manager'
}

/** What writing takes of the disk, so that a test can let it fail at each step. */
export interface Disk {
  open(
    path: string,
    flags: string | number,
    mode?: number,
  ): Promise<Pick<FileHandle, 'writeFile' | 'sync'> & AsyncDisposable>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { readonly force: true }): Promise<void>
}

const DISK: Disk = { open, rename, rm }

/** Reads a secret file; refuses whatever somebody else could have read, written or put in its place. */
export async function readPrivateFile(file: PrivateFile): Promise<string> {
  await using handle = await openPrivate(file)
  const stat = await handle.stat()
  const refuse = (why: string, hint: string): GatewayError =>
    new GatewayError('invalid', `${file.what} ${file.path} ${why}`, { hint })
  if (!stat.isFile()) throw refuse('is not a regular file', `put a regular file at ${file.path}`)
  const forbiddenBits = file.guard === 'owner' ? 0o077 : 0o007
  if ((stat.mode & forbiddenBits) !== 0) {
    throw refuse('can be read or written by other users', `run \`chmod 600 ${file.path}\``)
  }
  if (file.guard === 'owner' && process.getuid !== undefined && stat.uid !== process.getuid()) {
    throw refuse('belongs to another user', 'run Guichet as the owner of the file, or change the owner')
  }
  if (stat.size === 0) throw refuse('is empty', 'restore it from a backup')
  if (stat.size > file.bytesMax) throw refuse('is too large', `it has at most ${file.bytesMax} bytes`)
  const bytes = Buffer.alloc(stat.size)
  const { bytesRead } = await handle.read(bytes, 0, stat.size, 0)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, bytesRead))
  } catch {
    throw refuse('is not text', 'restore it from a backup')
  } finally {
    bytes.fill(0)
  }
}

/** After it resolves the new text is on the disk; whatever happens before, the old file is whole. */
export async function writePrivateFile(
  path: string,
  text: string,
  suffix: string,
  disk: Disk = DISK,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${suffix}.tmp`)
  try {
    {
      await using handle = await disk.open(temporary, 'wx', 0o600)
      await handle.writeFile(text)
      await handle.sync()
    }
    await disk.rename(temporary, path)
  } catch (failure) {
    await disk.rm(temporary, { force: true }).catch(() => undefined) // The first failure says more.
    throw unwritten(path, failure, 'what was there before is still there')
  }
  try {
    await using directory = await disk.open(dirname(path), constants.O_RDONLY)
    await directory.sync()
  } catch (failure) {
    throw unwritten(path, failure, 'it is in its place, but the disk does not say that it will stay there')
  }
}

function unwritten(path: string, cause: unknown, state: string): GatewayError {
  const reason = systemCodeOf(cause) ?? 'unknown'
  const isFull = reason === 'ENOSPC' || reason === 'EDQUOT'
  return new GatewayError(
    isFull ? 'disk-full' : 'internal',
    `${path} could not be written (${reason}): ${state}`,
    {
      hint: 'make room on the disk, or look for its fault, then try again',
      cause,
    },
  )
}

async function openPrivate(file: PrivateFile): Promise<FileHandle> {
  try {
    // O_NONBLOCK: a pipe put in the place of the file must not hold us.
    return await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const code = systemCodeOf(cause)
    if (code === 'ENOENT') {
      throw new GatewayError('not-found', `there is no ${file.what.replace(/^the /, '')} at ${file.path}`, {
        hint: file.whenMissing,
        cause,
      })
    }
    const why = code === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${code ?? 'unknown reason'})`
    throw new GatewayError('invalid', `${file.what} ${file.path} ${why}`, {
      hint: 'put the file itself there, readable by the user who runs Guichet and nobody else',
      cause,
    })
  }
}
