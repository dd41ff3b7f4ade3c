import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmulator } from '@guichet/emulator'
import { loadConfig, realWorld, startGateway } from '@guichet/gateway'
import { openTestWorld, type TestWorld } from './world.testing.ts'

/** An emulated 1fichier, a gateway in this process, and a folder `local` with a few files. */
export interface Stand extends Pick<TestWorld, 'run'>, AsyncDisposable {
  readonly folder: string
  readonly url: string
}

const TIME_SCALE = 1_000

export async function openStand(): Promise<Stand> {
  await using opened = new AsyncDisposableStack()
  const test = opened.use(await openTestWorld())
  const emulator = opened.use(
    await startEmulator({ rules: 'off', timeScale: TIME_SCALE, seed: 'transcripts' }),
  )
  const home = join(test.folder, 'home')
  const rules = join(test.folder, 'rules.json')
  await writeFile(rules, JSON.stringify({ timeScale: TIME_SCALE }))
  await writeFile(join(test.folder, 'unlock'), 'a passphrase for tests only\n', { mode: 0o600 })
  await mkdir(join(test.folder, 'local/photos'), { recursive: true })
  await writeFile(join(test.folder, 'local/photos/a.jpg'), 'aaa')
  await writeFile(join(test.folder, 'local/photos/b.jpg'), 'bbbbb')
  await writeFile(join(test.folder, 'local/empty.txt'), '')
  await writeFile(join(test.folder, 'local/five$.txt'), '5')
  test.env = { ...test.env, GUICHET_HOME: home }
  const init = ['init', '--key-file', '-', '--unlock-file', 'unlock']
  const made = await test.run(init, emulator.apiKey)
  if (made.exit !== 0) throw new Error(made.errors)
  const env = {
    ...test.env,
    GUICHET_RULES: rules,
    GUICHET_UPSTREAM_CONNECT: `${emulator.address.host}:${emulator.address.port}`,
    GUICHET_UPSTREAM_CA: emulator.caFile,
  }
  const config = loadConfig({ home, env, flags: { listen: '127.0.0.1:0' } })
  const gateway = opened.use(await startGateway(config, realWorld('silent')))
  const owned = opened.move()
  return {
    folder: test.folder,
    url: gateway.url,
    run: test.run,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
