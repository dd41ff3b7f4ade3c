import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { openVault } from '@guichet/keyholder'
import { openTestWorld, type TestWorld } from './world.testing.ts'

const KEY = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ-_=012'

async function init(test: TestWorld, unlock = 'unlock', input = KEY) {
  return test.run(['--home', 'home', 'init', '--key-file', '-', '--unlock-file', unlock, '--json'], input)
}

async function mode(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

describe('a new home', () => {
  it('has a vault that the new unlock file opens, and is closed to others', async () => {
    await using test = await openTestWorld()
    const made = await init(test)
    assert.equal(made.exit, 0, made.errors)
    const home = join(test.folder, 'home')
    assert.deepEqual((await readdir(home)).sort(), ['ca.key', 'ca.pem', 'config.json', 'vault'])
    assert.equal(await mode(home), 0o700)
    assert.equal(await mode(join(home, 'vault')), 0o600)
    assert.equal(await mode(join(test.folder, 'unlock')), 0o600)
    const secret = (await readFile(join(test.folder, 'unlock'), 'utf8')).trim()
    assert.equal((await openVault(join(home, 'vault'), new Secret(secret))).expose(), KEY)
    assert.ok(!`${made.output}${made.errors}`.includes(KEY))
  })

  it('may hold its unlock file', async () => {
    await using test = await openTestWorld()
    assert.equal((await init(test, 'home/private/unlock')).exit, 0)
    const config = JSON.parse(await readFile(join(test.folder, 'home/config.json'), 'utf8'))
    assert.deepEqual(config.unlock, { kind: 'file', path: join(test.folder, 'home/private/unlock') })
    assert.equal(await mode(join(test.folder, 'home/private/unlock')), 0o600)
  })

  it('is made in a folder that holds other things, which stay', async () => {
    await using test = await openTestWorld()
    await mkdir(join(test.folder, 'home'), { mode: 0o755 })
    await writeFile(join(test.folder, 'home/notes.txt'), 'mine')
    const made = await init(test, 'home/unlock')
    assert.equal(made.exit, 0, made.errors)
    assert.equal(await readFile(join(test.folder, 'home/notes.txt'), 'utf8'), 'mine')
    assert.equal(await mode(join(test.folder, 'home')), 0o700)
    assert.ok((await readdir(join(test.folder, 'home'))).includes('vault'))
  })

  it('that has lost its vault says what helps, as `guichet init` does not', async () => {
    await using test = await openTestWorld()
    assert.equal((await init(test)).exit, 0)
    await rm(join(test.folder, 'home/vault'))
    const again = await init(test)
    assert.equal(again.exit, 5)
    assert.match(
      again.errors,
      /hint: its vault is missing: restore that from a backup, or move the home away/,
    )
  })

  it('is refused where nothing can be made, by the name that was asked for', async () => {
    await using test = await openTestWorld()
    await writeFile(join(test.folder, 'home'), 'a file')
    const onFile = await init(test)
    assert.equal(onFile.exit, 5)
    assert.match(onFile.errors, /home cannot be a home: it is no directory, or below a file/)
    const args = ['init', '--key-file', '-', '--unlock-file', 'unlock']
    const below = await test.run(['--home', 'home/below', ...args], KEY)
    assert.equal(below.exit, 5, below.errors)
    const nowhere = await test.run(['--home', '/proc/guichet', ...args], KEY)
    assert.equal(nowhere.exit, 3)
    assert.match(nowhere.errors, /^error: a home cannot be made at \/proc\/guichet /)
    assert.deepEqual(await readdir(test.folder), ['home'])
  })

  it('is made inside a place that is there, without touching what is around it', async () => {
    await using test = await openTestWorld()
    const home = join(test.folder, 'volume/home')
    await mkdir(home, { recursive: true })
    const inode = (await stat(home)).ino
    const args = ['--home', 'volume/home', 'init', '--key-file', '-', '--unlock-file']
    const refused = await test.run([...args, 'volume/home/private/unlock', '--json'], 'no key')
    assert.equal(refused.exit, 2)
    assert.deepEqual(await readdir(home), [])
    assert.equal((await test.run([...args, 'volume/home/private/unlock'], KEY)).exit, 0)
    assert.equal((await stat(home)).ino, inode, 'a mounted volume cannot be replaced by another folder')
    assert.deepEqual((await readdir(home)).sort(), ['ca.key', 'ca.pem', 'config.json', 'private', 'vault'])
    assert.deepEqual(await readdir(join(test.folder, 'volume')), ['home'])
  })

  it('is never made over another one', async () => {
    await using test = await openTestWorld()
    await init(test)
    const before = await readFile(join(test.folder, 'home/vault'))
    assert.equal((await init(test, 'other')).exit, 5)
    assert.deepEqual(await readFile(join(test.folder, 'home/vault')), before)
    assert.deepEqual((await readdir(test.folder)).sort(), ['home', 'unlock'])
  })

  const failures: readonly [string, string, string, number, RegExp][] = [
    ['an empty key', '', 'unlock', 2, /the key file is empty/],
    ['a key with a space', `${KEY.slice(1)} `, 'unlock', 2, /holds no API key/],
    ['two lines', `${KEY}\n${KEY}\n`, 'unlock', 2, /more than one line/],
    ['a megabyte', 'A'.repeat(1_000_000), 'unlock', 2, /too long/],
    ['an unlock file that others can read', KEY, 'open', 2, /can be read or written by other users/],
    ['an unlock file that is too weak', KEY, 'weak', 2, /too short/],
    ['an unlock file that is a folder', KEY, 'folder', 2, /is a directory/],
    [
      'an unlock file where none can be',
      KEY,
      'open/unlock',
      5,
      /goes through something that is not a directory/,
    ],
  ]
  for (const [what, key, unlock, exit, words] of failures) {
    it(`is not half-made because of ${what}`, async () => {
      await using test = await openTestWorld()
      await writeFile(join(test.folder, 'open'), 'a secret of many characters', { mode: 0o644 })
      await writeFile(join(test.folder, 'weak'), 'short', { mode: 0o600 })
      await mkdir(join(test.folder, 'folder'))
      const refused = await init(test, unlock, key)
      assert.match(refused.errors, words)
      assert.match(refused.errors, /hint: /)
      assert.equal(refused.exit, exit)
      assert.deepEqual((await readdir(test.folder)).sort(), ['folder', 'open', 'weak'])
    })
  }

  it('is not half-made where there can be none', async () => {
    await using test = await openTestWorld()
    await writeFile(join(test.folder, 'file'), '')
    const args = ['--home', 'file/home', 'init', '--key-file', '-', '--unlock-file', 'unlock']
    const refused = await test.run(args, KEY)
    assert.equal(refused.exit, 5, refused.errors)
    assert.deepEqual(await readdir(test.folder), ['file'])
  })
})
