import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { openVault } from '@guichet/keyholder'
import { without } from './clients.ts'
import { call, type Ran, run as runProgram, type Stand, startStand } from './stand.ts'

const PASSPHRASE = 'a passphrase of the backup'

describe('a backup', { skip: without('age') }, () => {
  let stand: Stand
  let recipient = ''
  before(async () => {
    stand = await startStand({ timeScale: 200 })
    assert.equal((await program('age-keygen', ['-o', 'identity'])).code, 0)
    recipient = (await program('age-keygen', ['-y', 'identity'])).stdout.trim()
    await writeFile(at('pass'), PASSPHRASE, { mode: 0o600 })
  })
  after(() => stand[Symbol.asyncDispose]())

  const at = (name: string): string => path.join(stand.work, name)
  const program = (name: string, args: readonly string[]): Promise<Ran> =>
    runProgram(name, args, { env: { PATH: process.env['PATH'] ?? '' }, cwd: stand.work })
  const guichet = async (args: readonly string[], home = stand.home): Promise<string> => {
    const ran = await stand.guichet(args, { env: { GUICHET_HOME: home } })
    assert.equal(ran.code, 0, ran.stderr)
    return ran.stdout
  }

  it('made while it serves is opened by age and tar, and is a whole home elsewhere (R11)', async () => {
    const { key } = await stand.issue('all')
    const revoked = await stand.issue('read')
    assert.equal((await call(stand, key, 'folder/mkdir', { name: 'kept' })).json['status'], 'OK')
    await guichet(['key', 'revoke', revoked.id])
    // What an adoption keeps has the API key in it as the tools had it.
    await mkdir(path.join(stand.home, 'adopt'))
    await writeFile(path.join(stand.home, 'adopt/0.backup'), 'api_key = canary')
    await guichet(['backup', '--recipient', recipient, at('one.age')])
    assert.equal((await stat(at('one.age'))).mode & 0o777, 0o600)
    assert.deepEqual(
      (await readdir(stand.home)).filter((name) => name.startsWith('.')),
      [],
    )

    assert.equal((await program('age', ['-d', '-i', 'identity', '-o', 'one.tar', 'one.age'])).code, 0)
    await mkdir(at('by-hand'))
    assert.equal((await program('tar', ['xf', 'one.tar', '-C', 'by-hand'])).code, 0)
    const names = (await readdir(at('by-hand'))).sort()
    for (const name of [
      'ca.key',
      'ca.pem',
      'config.json',
      'guichet.db',
      'keys.pepper',
      'manifest.json',
      'vault',
    ])
      assert.ok(names.includes(name), name)
    for (const name of ['run', 'spool', 'adopt', 'home.lock', 'home.lock-journal', 'unlock'])
      assert.ok(!names.includes(name), name)
    assert.deepEqual(await readFile(at('by-hand/vault')), await readFile(path.join(stand.home, 'vault')))

    await guichet(['restore', '--identity', at('identity'), at('one.age')], at('elsewhere'))
    for (const name of await readdir(at('elsewhere')))
      assert.equal((await stat(path.join(at('elsewhere'), name))).mode & 0o077, 0, name)
    await stand.kill('SIGTERM')
    const kept = `${stand.home}-kept`
    await program('mv', [stand.home, kept])
    await program('mv', [at('elsewhere'), stand.home])
    await stand.start()
    assert.equal((await call(stand, key, 'folder/mkdir', { name: 'restored' })).json['status'], 'OK')
    assert.equal((await call(stand, revoked.key, 'folder/ls', { folder_id: 0 })).json['status'], 'KO')
  })

  it('that is restored says so in the ledger, which goes on from there and is trusted (R7, K17)', async () => {
    const shown = await guichet(['ledger', 'show', '--target', 'restore the home', '--json'])
    assert.match(shown, /restore the home from its backup of \d{4}-/)
    await guichet(['ledger', 'verify'])
  })

  it('that the age program has made of the same content is restored, too (R11)', async () => {
    assert.equal((await program('age', ['-r', recipient, '-o', 'by-age.age', 'one.tar'])).code, 0)
    await guichet(['restore', '--identity', at('identity'), at('by-age.age')], at('by-age'))
    assert.deepEqual(await readFile(at('by-age/vault')), await readFile(at('by-hand/vault')))
  })

  it('by a passphrase is opened by that passphrase alone (R11)', async () => {
    await guichet(['backup', '--pass-file', at('pass'), at('two.age')])
    assert.match(await readFile(at('two.age'), 'latin1'), /^age-encryption\.org\/v1\n-> scrypt /)
    await writeFile(at('wrong'), 'another passphrase', { mode: 0o600 })
    const env = { GUICHET_HOME: at('two') }
    const refused = await stand.guichet(['restore', '--pass-file', at('wrong'), at('two.age')], { env })
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /does not open the backup\nhint: /)
    const foreign = await stand.guichet(['restore', '--identity', at('identity'), at('two.age')], { env })
    assert.equal(foreign.code, 3, foreign.stderr)
    await guichet(['restore', '--pass-file', at('pass'), at('two.age')], at('two'))
    assert.ok((await readdir(at('two'))).includes('vault'))
  })

  it('is checked whole before anything is put into its place, and writes over nothing (R11, R6)', async () => {
    const before = await readdir(stand.work)
    const restore = (file: string, home: string): Promise<Ran> =>
      stand.guichet(['restore', '--identity', at('identity'), file], { env: { GUICHET_HOME: home } })
    assert.equal((await restore(at('one.age'), stand.home)).code, 5)
    assert.equal((await stand.guichet(['backup', '-r', recipient, at('one.age')])).code, 5)
    assert.equal((await stand.guichet(['backup', '-r', 'age1nonsense', at('none.age')])).code, 2)
    assert.equal((await restore(at('nothing.age'), at('never'))).code, 4)

    const whole = await readFile(at('one.age'))
    const changed = Buffer.from(whole)
    const last = changed.length - 40
    changed[last] = (changed[last] ?? 0) ^ 1
    const tar = await readFile(at('one.tar'))
    const other = Buffer.from(tar)
    const place = other.indexOf('"guichet-vault"')
    other.write('X', place + 3)
    await writeFile(at('other.tar'), other)
    await program('age', ['-r', recipient, '-o', 'other.age', 'other.tar'])
    await writeFile(at('plain.age'), 'not an age file')
    await writeFile(at('changed.age'), changed)
    await writeFile(at('cut.age'), whole.subarray(0, whole.length / 2))
    for (const name of ['changed.age', 'cut.age', 'other.age', 'plain.age']) {
      const { code, stderr } = await restore(at(name), at('never'))
      assert.equal(code, 8, `${name}: ${stderr}`)
      assert.match(stderr, /^error: .*\nhint: /)
      await rm(at(name))
    }
    await rm(at('other.tar'))
    assert.deepEqual(await readdir(stand.work), before, 'nothing is left behind')
  })

  it('of format 1 is restored (R11)', async () => {
    const fixtures = path.join(import.meta.dirname, '..', 'packages', 'cli', 'fixtures')
    await copyFile(path.join(fixtures, 'backup-1.identity'), at('old-identity'))
    await program('chmod', ['600', 'old-identity'])
    await guichet(
      ['restore', '--identity', at('old-identity'), path.join(fixtures, 'backup-1.age')],
      at('old'),
    )
    const apiKey = await openVault(at('old/vault'), new Secret('a passphrase for tests only'))
    assert.equal(apiKey.expose(), 'not-a-real-key-of-the-fixture_1=')
    const keys = await readFile(at('old/keys.pepper'), 'utf8')
    assert.match(keys, /^[0-9a-f]{64}\n$/)
  })
})
