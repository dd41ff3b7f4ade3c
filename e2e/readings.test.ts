import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Secret } from '@guichet/core'
import { READINGS, type Readings } from '@guichet/emulator'
import { connectGuichet, type Guichet } from '@guichet/sdk'
import { stored, whirlpool } from './clients.ts'
import { startFaultStand } from './fault-bench.ts'
import type { Stand } from './stand.ts'
import { until } from './until.ts'

const MINUTE_MS = 60_000

/** What the durations and counts are besides their defaults; the other readings name their values themselves. */
const FIGURES: { readonly [Name in keyof Readings]?: readonly number[] } = {
  tokenStartMs: [MINUTE_MS],
  tokenResumeMs: [MINUTE_MS],
  endLifetimeMs: [MINUTE_MS],
  filesPerRequestMax: [100],
  allFilesWindowMs: [10 * MINUTE_MS],
  storeDelayMs: [0, 60 * MINUTE_MS],
  remoteDelayMs: [0],
  listingLagMs: [MINUTE_MS, 5 * MINUTE_MS],
  checksumLagMs: [MINUTE_MS],
}

describe('each reading of what wire.md leaves open (R12)', () => {
  it('lets the main job pass', async (test) => {
    await using stand = await startFaultStand()
    const { key } = await stand.issue('all')
    const guichet = connectGuichet({ url: stand.url, key: new Secret(key) })
    const defaults = stand.emulator.readings()
    let number = 0
    for (const [name, value] of alternatives()) {
      number += 1
      stand.emulator.setReadings({ ...defaults, [name]: value })
      await job(stand, guichet, `/${number}-${name}`, test)
      const { broken, callsInLock, locks } = stand.emulator.snapshot()
      assert.deepEqual({ broken, callsInLock, locks }, { broken: {}, callsInLock: 0, locks: 0 }, name)
    }
    test.diagnostic(`${number} readings besides the defaults`)
  })

  it('lets more files into a folder than one request may hold', async () => {
    await using stand = await startFaultStand()
    stand.emulator.setReadings({ filesPerRequestMax: 100 })
    const { key } = await stand.issue('all')
    const guichet = connectGuichet({ url: stand.url, key: new Secret(key) })
    const names = Array.from({ length: 130 }, (_, index) => `/many/file-${index}`)
    await guichet.makeFolder({ at: '/many' })
    await Promise.all(names.map((name) => put(guichet, name)))
    assert.deepEqual(stored(stand), names.map((name) => `${name} ${whirlpool(Buffer.from(name))}`).sort())
    assert.equal(stand.emulator.snapshot().uploads.files, names.length)
  })
})

describe('an API key that 1fichier knows no more', () => {
  const readings = [
    { uploadWrongKey: 'refused', wrongKey: 'not-authenticated' },
    { uploadWrongKey: 'anonymous', wrongKey: 'no-such-user' },
    { uploadWrongKey: 'anonymous', wrongKey: 'bad-token' },
  ] as const
  for (const { uploadWrongKey, wrongKey } of readings) {
    it(`never has an upload acknowledged, and the right one sends it (${uploadWrongKey}, ${wrongKey})`, async () => {
      await using stand = await startFaultStand()
      stand.emulator.setReadings({ uploadWrongKey, wrongKey })
      const [source, wrong, right] = ['source', 'wrong', 'right'].map((name) => path.join(stand.work, name))
      assert.ok(source !== undefined && wrong !== undefined && right !== undefined)
      await writeFile(source, 'content')
      await writeFile(wrong, 'B'.repeat(32), { mode: 0o600 })
      await writeFile(right, stand.emulator.apiKey, { mode: 0o600 })
      const run = async (...args: readonly string[]): Promise<number> => (await stand.guichet(args)).code
      assert.equal(await run('ls', '/'), 0)
      assert.equal(await run('rotate', '--key-file', wrong, '--no-check'), 0)
      assert.equal(await run('put', source, '/a.txt'), 7)
      const { calls } = stand.emulator.snapshot()
      assert.ok((calls['folder/ls'] ?? 0) <= 2, 'the refusal is asked for once')
      assert.equal(await run('rotate', '--key-file', right, '--no-check'), 0)
      assert.equal(await run('resume'), 0)
      assert.equal(await run('put', source, '/a.txt'), 0)
      const expected = whirlpool(Buffer.from('content'))
      await until('the upload', () => stored(stand).length > 0)
      assert.deepEqual(stored(stand), [`/a.txt ${expected}`])
    })
  }
})

function* alternatives(): Generator<readonly [keyof Readings, unknown]> {
  for (const [name, reading] of Object.entries(READINGS)) {
    const known = name as keyof Readings
    const values: readonly unknown[] =
      typeof reading.values === 'string' ? (FIGURES[known] ?? []) : reading.values
    assert.ok(
      values.some((value) => value !== reading.default),
      `${name} has another value`,
    )
    for (const value of values) if (value !== reading.default) yield [known, value]
  }
}

/** Makes a folder, uploads, lists, downloads, renames, moves and removes; the account must be as told at each step. */
async function job(stand: Stand, guichet: Guichet, folder: string, test: TestContext): Promise<void> {
  const inFolder = (): readonly string[] =>
    stand.emulator.account
      .files()
      .map((file) => file.path)
      .filter((path) => path.startsWith(`${folder}/`))
      .sort()
  const names = ['a.txt', 'b.txt', 'c é.txt'].map((name) => `${folder}/${name}`)
  try {
    await guichet.makeFolder({ at: folder })
    await Promise.all(names.map((name) => put(guichet, name)))
    assert.deepEqual(inFolder(), names)
    const listed = await guichet.list(folder, { refresh: true })
    assert.deepEqual(listed.files.map((file) => file.path).sort(), names)
    for (const name of names) {
      assert.equal(await textOf(guichet, name), name)
    }
    await guichet.makeFolder({ at: `${folder}/sub` })
    await guichet.move({ from: [`${folder}/a.txt`], to: `${folder}/renamed.txt` })
    await guichet.move({ from: [`${folder}/b.txt`], to: `${folder}/sub` })
    await guichet.move({ from: [`${folder}/sub`], to: `${folder}/below` })
    assert.deepEqual(inFolder(), [`${folder}/below/b.txt`, `${folder}/c é.txt`, `${folder}/renamed.txt`])
    const again = await guichet.list(folder, { refresh: true })
    assert.deepEqual(again.files.map((file) => file.name).sort(), ['c é.txt', 'renamed.txt'])
    assert.equal(await textOf(guichet, `${folder}/below/b.txt`), `${folder}/b.txt`)
    await guichet.remove({ at: [folder], recursive: true })
    assert.deepEqual(inFolder(), [])
    assert.equal(stand.emulator.account.list(folder), undefined)
  } catch (failure) {
    test.diagnostic(`the job in ${folder} failed`)
    throw failure
  }
}

async function put(guichet: Guichet, name: string): Promise<void> {
  const content = Buffer.from(name)
  const answer = await guichet.put(name, content, { sizeBytes: content.length })
  assert.equal(answer.file?.whirlpool, whirlpool(content))
}

async function textOf(guichet: Guichet, name: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await guichet.get(name)).body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
