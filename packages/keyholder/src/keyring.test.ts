import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { Secret } from '@guichet/core'
import { connectKeyholder } from './client.ts'
import { readKeyring, writeKeyring } from './keyring.ts'
import { testDirectory } from './recording-upstream.testing.ts'
import { startKeyholder } from './start.ts'
import { createVault } from './vault.ts'
import { readWays } from './ways.ts'
import { KEY, refusal } from './world.testing.ts'

/** Keeps secrets in files, as no session of a desktop is here; it also shows what it was called with. */
const STAND_IN = `#!/bin/sh
echo "$@" >> "$HOME/called"
env | cut -d= -f1 | sort > "$HOME/environment"
case "$1" in
  store) cat > "$HOME/kept" ;;
  lookup) cat "$HOME/kept" 2>/dev/null || exit 1 ;;
esac
`

it('a keyring opens the vault, and its secret is in no argument (K1)', async () => {
  using directory = testDirectory()
  const bin = join(directory.path, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'secret-tool'), STAND_IN, { mode: 0o700 })
  const env = {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: directory.path,
    GUICHET_KEY: 'x',
    NODE_OPTIONS: '--inspect',
  }
  const secret = new Secret('a secret that the keyring keeps')
  const cost = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
  const vault = join(directory.path, 'vault')
  const ways = [{ name: 'keyring', kind: 'keyring', secret }] as const
  await createVault(vault, { apiKey: new Secret(KEY), ways, nowMs: 0, cost })
  const { id } = await readWays(vault)
  assert.equal((await refusal(readKeyring(id, env))).code, 'not-found')

  const options = {
    home: directory.path,
    socketPath: join(directory.path, 'run', 'k.sock'),
    prompt: false,
    env,
  }
  await using sealed = await startKeyholder({ ...options, keyring: true })
  assert.match(sealed.reason ?? '', /the keyring has no secret for this vault/)
  await writeKeyring(id, secret, env)
  await using client = connectKeyholder(options)
  assert.equal((await client.unseal()).sealed, false)
  await sealed.stop()
  await using open = await startKeyholder({ ...options, keyring: true })
  assert.equal(open.sealed, false)
  const called = await readFile(join(directory.path, 'called'), 'utf8')
  assert.ok(called.includes(`lookup application guichet vault ${id}`))
  assert.ok(!called.includes(secret.expose()))
  assert.doesNotMatch(await readFile(join(directory.path, 'environment'), 'utf8'), /NODE|GUICHET/)
})

it('where there is no keyring, that is said with what to do (K1)', async () => {
  using directory = testDirectory()
  const env = { PATH: directory.path, HOME: directory.path }
  const failure = await refusal(readKeyring('id', env))
  assert.equal(failure.code, 'unavailable')
  assert.match(
    `${failure.message} ${failure.hint}`,
    /secret-tool is not installed.*unlock file or a passphrase/,
  )
  assert.ok(!process.getActiveResourcesInfo().includes('Timeout'), 'and nothing keeps the process alive')
})
