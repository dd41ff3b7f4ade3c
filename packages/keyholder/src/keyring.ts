import { spawn } from 'node:child_process'
import { text as textOf } from 'node:stream/consumers'
import { GatewayError, MINUTE_MS, Secret, systemCodeOf } from '@guichet/core'

/** What the program needs to find the keyring of the user's session. */
export const KEYRING_ENVIRONMENT = [
  'PATH',
  'HOME',
  'DBUS_SESSION_BUS_ADDRESS',
  'XDG_RUNTIME_DIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
] as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The keyring of the operating system, through `secret-tool` of libsecret: no library of it is in our process.
 * The keyring may ask the person first. Rejects with `unavailable` where there is none, `not-found` when it has nothing.
 */
export async function readKeyring(vaultId: string, env: Environment): Promise<Secret> {
  const { code, output } = await secretTool(['lookup', ...attributesOf(vaultId)], '', env)
  if (code === 0 && output !== '') return new Secret(output)
  throw new GatewayError('not-found', 'the keyring has no secret for this vault', {
    hint: 'unlock the keyring, or put one there with `guichet vault add NAME --keyring`',
  })
}

/** The secret is in the keyring when it resolves, in the place of what was there for this vault. */
export async function writeKeyring(vaultId: string, secret: Secret, env: Environment): Promise<void> {
  const args = ['store', '--label=Guichet vault', ...attributesOf(vaultId)]
  const { code } = await secretTool(args, secret.expose(), env)
  if (code === 0) return
  throw new GatewayError('unavailable', 'the keyring did not take the secret', {
    hint: 'unlock it, or use an unlock file or a passphrase',
  })
}

function attributesOf(vaultId: string): readonly string[] {
  return ['application', 'guichet', 'vault', vaultId]
}

async function secretTool(
  args: readonly string[],
  input: string,
  env: Environment,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const names = KEYRING_ENVIRONMENT.filter((name) => env[name] !== undefined)
  const child = spawn('secret-tool', [...args], {
    env: Object.fromEntries(names.map((name) => [name, env[name]])),
    stdio: ['pipe', 'pipe', 'ignore'],
    // Not `timeout`: its timer keeps the process for a minute when there is no such program.
    signal: AbortSignal.timeout(MINUTE_MS),
  })
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', (cause) => reject(missing(cause)))
  })
  child.stdin.on('error', () => {}) // It ended before it read: its exit code tells.
  child.stdin.end(input)
  const [code, output] = await Promise.all([closed, textOf(child.stdout)])
  return { code, output: output.replace(/\n$/, '') }
}

function missing(cause: Error): GatewayError {
  const why = whyMissing(cause)
  return new GatewayError('unavailable', `there is no keyring here: ${why}`, {
    hint: 'install it (on Debian: `apt install libsecret-tools`), or use an unlock file or a passphrase',
    cause,
  })
}

function whyMissing(cause: Error): string {
  if (systemCodeOf(cause) === 'ENOENT') return 'the program secret-tool is not installed'
  return cause.name === 'AbortError'
    ? 'secret-tool did not answer for a minute'
    : 'secret-tool does not start'
}
