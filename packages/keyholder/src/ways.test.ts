import assert from 'node:assert/strict'
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Secret } from '@guichet/core'
import fc from 'fast-check'
import { testDirectory } from './recording-upstream.testing.ts'
import { createVault, forgetVault, inspectVault, openVault, resealVault, unlockVault } from './vault.ts'
import { changeWays, readWays } from './ways.ts'
import { refusal } from './world.testing.ts'

const CHEAP = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
const KEY = 'key-of-the-tests-0123456789_=-AB'
const [FIRST, SECOND, THIRD] = ['the first secret', 'the second secret', 'the third secret'].map(
  (text) => new Secret(text),
) as [Secret, Secret, Secret]

async function newVault(directory: string, ...names: readonly string[]): Promise<string> {
  const path = join(directory, 'vault')
  const ways = names.map((name) => ({ name, kind: 'passphrase' as const, secret: secretOf(name) }))
  await createVault(path, { apiKey: new Secret(KEY), ways, nowMs: 1_000, cost: CHEAP })
  return path
}

const secretOf = (name: string): Secret => new Secret(`the secret of ${name}`)

async function opens(path: string, secret: Secret): Promise<boolean> {
  return openVault(path, secret).then(
    (key) => key.expose() === KEY,
    (failure) => {
      assert.equal(failure.code, 'unauthenticated')
      return false
    },
  )
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await readWays(path)).ways.map(({ name }) => name)
}

describe('the ways to open a vault', () => {
  it('are added, replaced and removed around the same data key and API key (K1)', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path, 'a')
    const before = await unlockVault(path, secretOf('a'))
    const way = { name: 'disk', kind: 'file', secret: SECOND } as const
    await changeWays(path, secretOf('a'), { act: 'add', way, cost: CHEAP }, 2_000)
    await changeWays(path, secretOf('a'), { act: 'replace', secret: FIRST }, 3_000)
    assert.deepEqual(
      (await readWays(path)).ways.map(({ name, kind, addedAt }) => [name, kind, addedAt]),
      [
        ['a', 'passphrase', '1970-01-01T00:00:03.000Z'],
        ['disk', 'file', '1970-01-01T00:00:02.000Z'],
      ],
    )
    assert.ok(!(await opens(path, secretOf('a'))))
    for (const secret of [FIRST, SECOND]) {
      const after = await unlockVault(path, secret)
      assert.deepEqual(after, before)
      forgetVault(after)
    }
    await changeWays(path, SECOND, { act: 'remove', name: 'a' }, 4_000)
    assert.deepEqual(await namesIn(path), ['disk'])
    assert.ok(!(await opens(path, FIRST)) && (await opens(path, SECOND)))
    assert.equal(await inspectVault(path), 1_000, 'the API key is as old as before')
    // A keyholder that has been open all the while can still put a new key in.
    await resealVault(path, before.dataKey, Buffer.from(KEY.toUpperCase()), 5_000)
    assert.equal((await openVault(path, SECOND)).expose(), KEY.toUpperCase())
  })

  it('cost more to guess when that is asked for, with the same secret (K1)', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path, 'a', 'b')
    const cost = { passes: 3, memoryKiB: 32_768, parallelism: 2 }
    await changeWays(path, secretOf('b'), { act: 'replace', cost }, 2_000)
    assert.deepEqual(
      (await readWays(path)).ways.map((way) => way.cost),
      [CHEAP, cost],
    )
    assert.ok((await opens(path, secretOf('a'))) && (await opens(path, secretOf('b'))))
    const more = { passes: 4 }
    await changeWays(path, secretOf('b'), { act: 'replace', cost: more }, 2_000)
    assert.deepEqual((await readWays(path)).ways[1]?.cost, { ...cost, ...more }, 'the rest stays')
    const { code } = await refusal(
      changeWays(path, secretOf('b'), { act: 'replace', cost: { ...cost, memoryKiB: 8_192 } }, 2_000),
    )
    assert.equal(code, 'invalid')
  })

  it('are never all taken away, and nothing is changed by whoever knows none (K1)', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path, 'a', 'b')
    const text = await readFile(path, 'utf8')
    const way = { name: 'c', kind: 'passphrase', secret: THIRD } as const
    for (const [secret, change, code] of [
      [secretOf('x'), { act: 'add', way }, 'unauthenticated'],
      [secretOf('x'), { act: 'remove', name: 'a' }, 'unauthenticated'],
      [secretOf('a'), { act: 'remove', name: 'a' }, 'conflict'],
      [secretOf('a'), { act: 'remove', name: 'c' }, 'not-found'],
      [secretOf('a'), { act: 'add', way: { ...way, name: 'b' } }, 'conflict'],
      [secretOf('a'), { act: 'add', way: { ...way, secret: secretOf('b') } }, 'conflict'],
      [secretOf('a'), { act: 'replace', secret: secretOf('b') }, 'conflict'],
      [secretOf('a'), { act: 'add', way: { ...way, name: '../c' } }, 'invalid'],
      [secretOf('a'), { act: 'add', way: { ...way, secret: new Secret('short') } }, 'invalid'],
    ] as const) {
      const failure = await refusal(changeWays(path, secret, change, 2_000))
      assert.equal(failure.code, code, failure.message)
      assert.ok(failure.hint !== undefined)
    }
    assert.equal(await readFile(path, 'utf8'), text)
  })

  it('stay in any number of changes exactly those that were left (K1)', async () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd')
    const steps = fc.array(fc.record({ act: fc.constantFrom('add', 'remove'), name: names, by: names }), {
      maxLength: 5,
    })
    const model = fc.asyncProperty(steps, async (acts) => {
      using directory = testDirectory()
      const path = await newVault(directory.path, 'a')
      const known = new Set(['a'])
      for (const { act, name, by } of acts) {
        const way = { name, kind: 'passphrase', secret: secretOf(name) } as const
        const change =
          act === 'add' ? ({ act, way, cost: CHEAP } as const) : ({ act: 'remove', name } as const)
        const isAllowed = known.has(by) && (act === 'add' ? !known.has(name) : known.has(name) && by !== name)
        const isDone = await changeWays(path, secretOf(by), change, 2_000).then(
          () => true,
          () => false,
        )
        assert.equal(isDone, isAllowed, `${act} ${name} by ${by}`)
        if (isDone && act === 'add') known.add(name)
        if (isDone && act === 'remove') known.delete(name)
      }
      assert.deepEqual(await namesIn(path), [...known])
      for (const name of ['a', 'b', 'c', 'd'])
        assert.equal(await opens(path, secretOf(name)), known.has(name))
    })
    await fc.assert(model, { numRuns: 5 })
  })
})

describe('old formats of the vault', () => {
  const place = async (directory: string, format: number): Promise<string> => {
    const path = join(directory, 'vault')
    await copyFile(fileURLToPath(new URL(`../fixtures/vault-${format}.json`, import.meta.url)), path)
    await chmod(path, 0o600)
    return path
  }
  const secrets = ['correct horse battery staple', 'a key file of the fixture'].map(
    (text) => new Secret(text),
  )
  const [passphrase = FIRST, file = FIRST] = secrets

  for (const format of [1, 2]) {
    it(`are opened by each of their secrets: format ${format} (R11)`, async () => {
      using directory = testDirectory()
      const path = await place(directory.path, format)
      for (const secret of secrets)
        assert.equal((await openVault(path, secret)).expose(), `not-a-real-key-of-vault-fixture${format}`)
    })
  }

  it('become format 2 with the next write, without the other secrets (R11)', async () => {
    using directory = testDirectory()
    const path = await place(directory.path, 1)
    assert.deepEqual(await namesIn(path), ['way-1', 'way-2'])
    const way = { name: 'third', kind: 'passphrase', secret: THIRD } as const
    await changeWays(path, passphrase, { act: 'add', way, cost: CHEAP }, 2_000)
    assert.equal(JSON.parse(await readFile(path, 'utf8')).version, 2)
    assert.deepEqual(
      (await readWays(path)).ways.map(({ name, kind }) => [name, kind]),
      [
        ['way-1', 'unknown'],
        ['way-2', 'unknown'],
        ['third', 'passphrase'],
      ],
    )
    for (const secret of [...secrets, THIRD])
      assert.equal((await openVault(path, secret)).expose(), 'not-a-real-key-of-vault-fixture1')
    assert.equal(await inspectVault(path), Date.UTC(2026, 0, 2, 3, 4, 5))
    await changeWays(path, file, { act: 'remove', name: 'way-1' }, 2_000)
    assert.deepEqual(await namesIn(path), ['way-2', 'third'])
  })

  it('cannot be passed off as each other (R11)', async () => {
    using directory = testDirectory()
    const path = await newVault(directory.path, 'a')
    const text = await readFile(path, 'utf8')
    const older = { ...JSON.parse(text), version: 1 }
    for (const slot of older.slots) for (const name of ['name', 'kind', 'addedAt']) delete slot[name]
    await writeFile(path, `${JSON.stringify(older, null, 2)}\n`)
    assert.match((await refusal(openVault(path, secretOf('a')))).message, /is damaged/)
    await writeFile(path, text.replace('"name": "a"', '"name": "b"'))
    assert.match((await refusal(openVault(path, secretOf('a')))).message, /is damaged/)
  })
})
