import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { type ErrorCode, GatewayError, Secret } from '@guichet/core'
import fc from 'fast-check'
import { testDirectory } from './recording-upstream.testing.ts'
import {
  createVault,
  forgetVault,
  inspectVault,
  type NewVault,
  openVault,
  resealVault,
  unlockVault,
} from './vault.ts'
import { isBearable, parseVault } from './vault-format.ts'

const CHEAP = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
const OLD_KEY = 'old-key-0123456789-abcdefghij_=='
const NEW_KEY = 'new-key-0123456789-abcdefghij_=='
const PASSPHRASE = new Secret('a passphrase of the tests')
const OTHER = new Secret('another secret of the tests')

function waysOf(...secrets: Secret[]): NewVault['ways'] {
  return secrets.map((secret, index) => ({ name: `way-${index}`, kind: 'passphrase', secret }))
}

async function newVault(directory: string): Promise<string> {
  const path = join(directory, 'vault')
  await createVault(path, {
    apiKey: new Secret(OLD_KEY),
    ways: waysOf(PASSPHRASE, OTHER),
    nowMs: 1_000,
    cost: CHEAP,
  })
  return path
}

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (failure) => {
    assert.ok(failure instanceof GatewayError, String(failure))
    assert.equal(failure.code, code, failure.message)
    assert.ok(failure.hint !== undefined, 'it says what to do next')
    return true
  })
}

describe('vault', () => {
  it('gives back any API key to each of its secrets', async () => {
    const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=']
    const apiKeys = fc.string({ unit: fc.constantFrom(...characters), minLength: 32, maxLength: 32 })
    const passphrases = fc.string({ unit: 'binary', minLength: 8, maxLength: 40 })
    const vaults = fc.asyncProperty(apiKeys, passphrases, async (apiKey, passphrase) => {
      using directory = testDirectory()
      const path = join(directory.path, 'vault')
      const secrets = [OTHER, new Secret(passphrase)]
      await createVault(path, { apiKey: new Secret(apiKey), ways: waysOf(...secrets), nowMs: 0, cost: CHEAP })
      for (const secret of secrets) assert.equal((await openVault(path, secret)).expose(), apiKey)
      assert.ok(!(await readFile(path, 'utf8')).includes(apiKey))
    })
    await fc.assert(vaults, { numRuns: 4 })
  })

  it('takes a passphrase that was composed differently', async () => {
    using directory = testDirectory()
    const path = join(directory.path, 'vault')
    const secrets = [new Secret('cafe\u0301 au lait')]
    await createVault(path, { apiKey: new Secret(OLD_KEY), ways: waysOf(...secrets), nowMs: 0, cost: CHEAP })
    assert.equal((await openVault(path, new Secret('caf\u00e9 au lait'))).expose(), OLD_KEY)
  })

  it('refuses another secret', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    await rejectsWith('unauthenticated', openVault(path, new Secret('a passphrase of the testS')))
  })

  it('keeps every secret when the key is replaced', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    const opened = await unlockVault(path, OTHER)
    await resealVault(path, opened.dataKey, Buffer.from(NEW_KEY), 5_000)
    forgetVault(opened)
    assert.equal((await openVault(path, PASSPHRASE)).expose(), NEW_KEY)
    assert.equal(await inspectVault(path), 5_000)
    assert.deepEqual(await readdir(directory.path), ['vault'])
  })

  it('takes only what has the shape of an API key, and only strong secrets', async () => {
    using directory = testDirectory()
    const path = join(directory.path, 'vault')
    const attempt = (apiKey: string, secret: string, cost = CHEAP): Promise<void> =>
      createVault(path, { apiKey: new Secret(apiKey), ways: waysOf(new Secret(secret)), nowMs: 0, cost })
    for (const apiKey of [
      '',
      OLD_KEY.slice(1),
      `${OLD_KEY}=`,
      `${OLD_KEY.slice(1)} `,
      `"${OLD_KEY.slice(2)}"`,
    ]) {
      await rejectsWith('invalid', attempt(apiKey, 'long enough'))
    }
    await rejectsWith('invalid', attempt(OLD_KEY, '7 chars'))
    await rejectsWith('invalid', attempt(OLD_KEY, 'long enough', { ...CHEAP, memoryKiB: 8_192 }))
    assert.deepEqual(await readdir(directory.path), [])
  })

  it('does not write over a vault', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    await rejectsWith('conflict', newVault(directory.path))
    assert.equal((await openVault(path, PASSPHRASE)).expose(), OLD_KEY)
  })
})

describe('a vault that cannot be trusted', () => {
  let text = ''
  before(async () => {
    using directory = testDirectory()
    text = await readFile(await newVault(directory.path), 'utf8')
  })

  it('is refused when any one bit of it is different (K1)', async () => {
    using directory = testDirectory()
    const path = join(directory.path, 'vault')
    const places = fc.nat(Buffer.byteLength(text) - 1)
    const flips = fc.asyncProperty(places, fc.nat(7), async (place, bit) => {
      const bytes = Buffer.from(text)
      bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
      await writeFile(path, bytes, { mode: 0o600 })
      await assert.rejects(openVault(path, PASSPHRASE), (failure) => {
        assert.ok(failure instanceof GatewayError)
        return failure.code === 'invalid' || failure.code === 'unauthenticated'
      })
    })
    await fc.assert(flips, { numRuns: 60 })
  })

  it('is refused when the parts of two vaults are mixed (K1)', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    const [one, two] = [JSON.parse(text), JSON.parse(await readFile(path, 'utf8'))]
    const mixtures = [
      { ...one, apiKey: two.apiKey },
      { ...one, slots: two.slots },
      { ...one, slots: one.slots.slice(0, 1) },
      { ...one, slots: [...one.slots].reverse() },
      { ...one, id: two.id },
      { ...one, apiKey: { ...one.apiKey, storedAt: two.apiKey.storedAt.replace('1970', '2030') } },
    ]
    for (const mixture of mixtures) {
      await writeFile(path, `${JSON.stringify(mixture, null, 2)}\n`)
      await assert.rejects(openVault(path, PASSPHRASE), GatewayError)
    }
  })

  it('is refused before it can take memory or time', () => {
    const slot = JSON.parse(text).slots[0]
    for (const [name, value] of [
      ['memoryKiB', 100 * 1024 * 1024],
      ['memoryKiB', -1],
      ['passes', 1_000_000],
      ['passes', 2.5],
      ['parallelism', 0],
      ['parallelism', 1e9],
    ] as const) {
      const hostile = { ...JSON.parse(text), slots: [{ ...slot, [name]: value }] }
      assert.throws(() => parseVault(`${JSON.stringify(hostile, null, 2)}\n`, 'vault'), /is damaged/)
    }
    assert.ok(isBearable({ passes: 3, memoryKiB: 65_536, parallelism: 4 }))
  })

  it('is refused with the reason and a next step', async () => {
    using directory = testDirectory()
    const path = join(directory.path, 'vault')
    const contents = ['', '\0', '[]', '{}', 'null', text.slice(0, -9), `${text} `, 'x'.repeat(70_000)]
    for (const content of [...contents, text.replace('"version": 2', '"version": 3')]) {
      await writeFile(path, content, { mode: 0o600 })
      await rejectsWith('invalid', openVault(path, PASSPHRASE))
    }
    await writeFile(path, text)
    await chmod(path, 0o640)
    await rejectsWith('invalid', openVault(path, PASSPHRASE))
    await chmod(path, 0o600)
    await symlink(path, join(directory.path, 'link'))
    await rejectsWith('invalid', openVault(join(directory.path, 'link'), PASSPHRASE))
    await rejectsWith('invalid', openVault(directory.path, PASSPHRASE))
    await rejectsWith('not-found', openVault(join(directory.path, 'nothing'), PASSPHRASE))
    assert.equal((await openVault(path, PASSPHRASE)).expose(), OLD_KEY)
  })
})

describe('writing a vault', () => {
  const vaultModule = JSON.stringify(new URL('./vault.ts', import.meta.url).href)
  const secretModule = JSON.stringify(import.meta.resolve('@guichet/core'))
  /** Does nothing but put one key in the place of the other, and says so each time. */
  const rewriter = (path: string): string => `
    import { resealVault, unlockVault } from ${vaultModule}
    import { Secret } from ${secretModule}
    const [path, ...keys] = ${JSON.stringify([path, OLD_KEY, NEW_KEY])}
    const { dataKey } = await unlockVault(path, new Secret(${JSON.stringify(PASSPHRASE.expose())}))
    for (let turn = 0; ; turn += 1) {
      await resealVault(path, dataKey, Buffer.from(keys[turn % 2]), turn)
      process.stdout.write('.')
    }`

  it('leaves a whole vault when it is killed', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    for (let round = 1; round <= 8; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', rewriter(path)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      let turns = 0
      for await (const dots of child.stdout) {
        turns += dots.length
        if (turns >= round * 5) break
      }
      child.kill('SIGKILL')
      await exited
      const key = (await openVault(path, PASSPHRASE)).expose()
      assert.ok(key === OLD_KEY || key === NEW_KEY)
    }
  })

  it('keeps the old vault when the disk takes no more', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path)
    // A file size limit of zero makes every write fail, as a full disk does.
    const script = `trap '' XFSZ; ulimit -f 0; exec "$0" --input-type=module-typescript -e "$1"`
    const child = spawn('bash', ['-c', script, process.execPath, rewriter(path)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    assert.match(await textOf(child.stderr), /EFBIG/)
    assert.equal((await openVault(path, PASSPHRASE)).expose(), OLD_KEY)
    assert.deepEqual(await readdir(directory.path), ['vault'])
  })
})
