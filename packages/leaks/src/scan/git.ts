import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { GatewayError, systemCodeOf } from '@guichet/core'

/** Runs git in a folder and gives its output in pieces. Rejects in words when there is no git, or no repository. */
export async function* git(
  folder: string,
  args: readonly string[],
  options: {
    readonly input?: AsyncIterable<string> | Iterable<string>
    readonly signal?: AbortSignal | undefined
  } = {},
): AsyncGenerator<Buffer> {
  // What a repository says of itself must not start programs of its own.
  const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=', '--no-pager', '--no-optional-locks']
  const child = spawn('git', [...(args[0] === 'rev-parse' ? [] : safe), ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' },
    ...(options.signal !== undefined && { signal: options.signal }),
  })
  const failed = once(child, 'error').then(([failure]) => {
    throw notStarted(failure, folder)
  })
  failed.catch(() => undefined)
  const errors: Buffer[] = []
  child.stderr.on('data', (piece: Buffer) => errors.push(piece))
  child.stdin.on('error', () => undefined) // git ended first: its exit tells.
  const feeding = feed(child.stdin, options.input ?? [])
  const exited = once(child, 'close')
  try {
    for await (const piece of child.stdout) yield piece
    const [code] = await Promise.race([exited, failed])
    await feeding
    if (code !== 0) throw refused(folder, Buffer.concat(errors).toString())
  } finally {
    child.kill()
  }
}

export async function gitText(
  folder: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of git(folder, args, { signal })) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

async function feed(
  to: NodeJS.WritableStream,
  input: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  for await (const text of input) {
    if (!to.writable) return
    if (!to.write(text)) await once(to, 'drain').catch(() => undefined)
  }
  to.end()
}

function notStarted(failure: unknown, folder: string): unknown {
  if (systemCodeOf(failure) !== 'ENOENT') return failure
  return new GatewayError('not-found', `git cannot be run in ${JSON.stringify(folder)}`, {
    hint: 'install git, and name a folder that exists',
    cause: failure,
  })
}

function refused(folder: string, said: string): GatewayError {
  const named = JSON.stringify(folder)
  if (/not a git repository/i.test(said)) {
    return new GatewayError('not-found', `${named} is not in a git repository`, {
      hint: 'name a folder of a repository, or make one with `git init`',
    })
  }
  if (/dubious ownership/i.test(said)) {
    return new GatewayError('forbidden', `git does not trust ${named}: it belongs to another user`, {
      hint: `if you trust it: \`git config --global --add safe.directory ${folder}\``,
    })
  }
  return new GatewayError('internal', `git failed in ${named}: ${said.trim().split('\n').at(-1)}`, {
    hint: 'run `git fsck` there',
  })
}
