import assert from 'node:assert/strict'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { formsOf, searchFor } from './leaks.ts'
import { call, startStand } from './stand.ts'

const NAMES = ['zanzibar-wedding.mkv', 'quixotic-ledgers', 'ophelia.vandermeer@example.org', '203.0.113.77']

describe('guichet doctor (U6)', () => {
  it('finds what is weak in a home, running or not, and asks 1fichier nothing (U6)', async () => {
    await using stand = await startStand()
    const before = stand.emulator.snapshot().calls
    const checks = async (): Promise<readonly string[]> => {
      const ran = await stand.guichet(['doctor', '--json'])
      const { findings } = JSON.parse(ran.stdout) as { findings: { check: string; severity: string }[] }
      assert.equal(ran.code, findings.some(({ severity }) => severity === 'serious') ? 1 : 0, ran.stderr)
      // Core dumps are a matter of the machine that runs this.
      return findings.map(({ check }) => check).filter((check) => check !== 'core-dumps')
    }
    assert.deepEqual(await checks(), [])
    assert.match((await stand.guichet(['doctor'])).stdout, /could not look at: .*the clock/)

    await stand.issue('all', ['--expires', '0'])
    await chmod(path.join(stand.home, 'guichet.db'), 0o644)
    await writeFile(
      path.join(stand.work, '.rclone.conf'),
      `[films]\ntype = fichier\napi_key = ${stand.emulator.apiKey}\n`,
    )
    const weak = ['api-key-copies', 'file-modes', 'keys-for-ever', 'keys-without-bounds']
    assert.deepEqual([...(await checks())].sort(), weak)
    assert.equal((await stand.guichet(['seal'])).code, 0)
    assert.deepEqual([...(await checks())].sort(), [...weak, 'keyholder'].sort())
    await stand.kill('SIGTERM')
    assert.deepEqual([...(await checks())].sort(), weak)
    assert.deepEqual(stand.emulator.snapshot().calls, before)

    const told = await stand.guichet(['doctor'])
    assert.match(told.stdout, /mend: chmod 600 \S+guichet\.db/)
    assert.match(told.stdout, /could not look at: .*the keyholder/)
    assert.ok(!told.stdout.includes(stand.emulator.apiKey))
  })

  it('finds a ledger that somebody has edited (U6)', async () => {
    await using stand = await startStand()
    await stand.issue('read')
    await stand.kill('SIGTERM')
    {
      using db = new DatabaseSync(path.join(stand.home, 'guichet.db'))
      db.exec("DROP TRIGGER ledger_keeps_entries; UPDATE ledger SET target = 'nothing' WHERE sequence = 1")
    }
    const { code, stdout } = await stand.guichet(['doctor'])
    assert.equal(code, 1)
    assert.match(stdout, /!! the ledger is not what was recorded: .*\n {3}mend: guichet ledger verify/)
  })

  it('knows how far the clock is off from answers that came anyway (U6)', async () => {
    await using stand = await startStand()
    assert.equal((await stand.guichet(['ls', '/'])).code, 0)
    const told = await stand.guichet(['doctor', '--json'])
    const { lookedAt, findings } = JSON.parse(told.stdout) as {
      lookedAt: string[]
      findings: { check: string }[]
    }
    assert.ok(lookedAt.includes('the clock, by the last answer of 1fichier'))
    assert.ok(!findings.some(({ check }) => check === 'clock'))
  })

  it('writes a support file in which there is no key, no name and no address, in any encoding (U6)', async () => {
    await using stand = await startStand()
    const [file = '', folder = '', email = '', address = ''] = NAMES
    stand.emulator.account.putFile(`/${folder}/${file}`, Buffer.from('x'))
    const key = await stand.issue('read', ['--root', `/${folder}`])
    const named = await stand.guichet(['key', 'create', '--name', email, '--verbs', 'read', '--json'])
    assert.equal(named.code, 0, named.stderr)
    assert.equal((await stand.guichet(['ls', `/${folder}`])).code, 0)
    await call(stand, key.key, 'file/info', { url: `https://${address}/?${file}` })
    await writeFile(
      path.join(stand.work, '.rclone.conf'),
      `[${folder}]\ntype = fichier\napi_key = ${stand.emulator.apiKey}\n`,
    )
    await writeFile(path.join(stand.work, '.bashrc'), `export GUICHET_KEY=${key.key}\n`)
    await writeFile(
      path.join(stand.home, `${file}.log`),
      `${JSON.stringify({ level: 40, key: key.id, target: `/${folder}/${file}`, msg: `no ${email}`, from: address })}\n${stand.output.join('\n')}\n`,
    )
    const bundle = path.join(stand.work, 'support.json')
    const ran = await stand.guichet([
      'doctor',
      '--bundle',
      bundle,
      '--log',
      path.join(stand.home, `${file}.log`),
    ])
    assert.equal(ran.code, 1, ran.stderr)
    assert.equal((await stat(bundle)).mode & 0o777, 0o600)

    const secrets = [stand.emulator.apiKey, key.key, JSON.parse(named.stdout).key]
    for (const secret of [...secrets, file, folder, email]) {
      const search = searchFor(secret)
      search.file(bundle)
      assert.deepEqual(search.leaks, [], secret)
    }
    const written = await readFile(bundle)
    for (const short of [address, key.id, path.basename(stand.work), 'zanzibar', 'ophelia', 'quixotic'])
      assert.ok(!written.includes(short), short)
    // The search itself works: it finds what is there.
    assert.ok(formsOf('guichet-support').some(({ bytes }) => written.includes(bytes)))
    const report = JSON.parse(written.toString())
    assert.equal(report.status.keyholder, 'ready')
    assert.equal(report.database.keys.length, 2)
    assert.equal(report.log[0].level, 40)

    const again = await stand.guichet(['doctor', '--bundle', bundle])
    assert.notEqual(again.code, 0)
    assert.match(again.stderr, /exists already/)
  })
})
