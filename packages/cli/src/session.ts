import { existsSync } from 'node:fs'
import { GatewayError, isKeyText, mayBeApiKey, Secret } from '@guichet/core'
import { connectGuichet, type Guichet, parseBase } from '@guichet/sdk'
import { type Home, homeOf } from './home.ts'
import { createPrinter, type Printer } from './print.ts'
import { openTransport, type Target } from './transport.ts'
import type { World } from './world.ts'

/** What every command accepts. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly home?: string
}

/** One command under way: where it prints, which home it means, and its connection, opened when first needed. */
export interface Session extends AsyncDisposable {
  readonly world: World
  readonly print: Printer
  readonly home: Home
  readonly stop: AbortSignal
  /** Rejects with `invalid` when the environment names a gateway in a wrong way. */
  connect(): Connection
  /** The gateway of the home, whatever the environment names. */
  connectHome(): Guichet
  /** For what needs no key: the gateway at `$GUICHET_URL`, or that of the home. */
  connectWithoutKey(): Guichet
}

export interface Connection {
  readonly guichet: Guichet
  readonly target: Target
}

export function openSession(world: World, options: GlobalOptions): Session {
  const home = homeOf(world, options.home)
  const opened = new AsyncDisposableStack()
  let connection: Connection | undefined
  return {
    world,
    home,
    stop: world.signals.stop,
    print: createPrinter({
      output: world.output,
      errors: world.errors,
      env: world.env,
      secrets: world.secrets,
      isJson: options.json === true,
      isQuiet: options.quiet === true,
    }),
    connect() {
      if (connection === undefined) {
        const target = targetOf(world, home, options)
        const { transport } = opened.use(openTransport(target))
        connection = { target, guichet: connectGuichet({ transport }) }
      }
      return connection
    },
    connectHome: () => connectGuichet({ transport: opened.use(openTransport(socketOf(home))).transport }),
    connectWithoutKey() {
      const url = world.env['GUICHET_URL'] ?? ''
      const isHere = options.home !== undefined || url === ''
      const target: Target = isHere
        ? socketOf(home)
        : { kind: 'address', base: parseBase(url), key: undefined }
      return connectGuichet({ transport: opened.use(openTransport(target)).transport })
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** `$GUICHET_URL` and `$GUICHET_KEY`, else the admin socket of the home; `--home` on the command line wins over both. */
function targetOf(world: World, home: Home, options: GlobalOptions): Target {
  const url = world.env['GUICHET_URL'] ?? ''
  const key = world.env['GUICHET_KEY'] ?? ''
  if (options.home !== undefined || (url === '' && key === '')) {
    return socketOf(home)
  }
  if (url === '' || key === '') {
    const [set, missing] = url === '' ? ['GUICHET_KEY', 'GUICHET_URL'] : ['GUICHET_URL', 'GUICHET_KEY']
    throw new GatewayError('invalid', `${set} is set but ${missing} is not`, {
      hint: `set both, or neither to use the gateway of this machine`,
    })
  }
  if (!isKeyText(key)) {
    throw new GatewayError('invalid', 'GUICHET_KEY does not hold a virtual key', {
      hint: mayBeApiKey(key)
        ? 'if it is the API key of 1fichier, it is exposed now: make a new one there, `guichet rotate`, and use `guichet key create`'
        : 'copy all 32 characters that `guichet key create` printed',
    })
  }
  return { kind: 'address', base: parseBase(url), key: new Secret(key) }
}

function socketOf(home: Home): Target {
  return { kind: 'socket', path: home.adminSocket, missing: () => nobodyServes(home) }
}

function nobodyServes(home: Home): GatewayError {
  return new GatewayError('unavailable', `no gateway is running for ${home.path}`, {
    hint: existsSync(home.vault)
      ? 'start it with `guichet serve`'
      : 'make a home with `guichet init`, then start the gateway with `guichet serve`',
  })
}
