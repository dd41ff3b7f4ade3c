import assert from 'node:assert/strict'
import { link, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Secret } from '@guichet/core'
import { inspectDatabase } from '@guichet/gateway'
import { openVault } from '@guichet/keyholder'
import { JDOWNLOADER, JDOWNLOADER_ACCOUNTS } from '@guichet/leaks'
import { runCli } from '../program.ts'
import { openTestWorld, type TestWorld } from '../world.testing.ts'

const KEY = 'aB3-dE6_gH9=jK2mN5pQ8sT1vW4yZ7bC'
const OTHER = 'zZ9-yY8_xX7=wW6vV5uU4tT3sS2rR1qQ'
const TAKE = ['adopt', '--yes', '--unlock-file', 'unlock']

/** Runs a command on a terminal where somebody types an answer as soon as its question is shown. */
async function answer(
  test: TestWorld,
  args: readonly string[],
  answers: readonly (readonly [question: string, keys: string])[],
): Promise<{ readonly exit: number; readonly shown: string }> {
  const waiting = [...answers]
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  let shown = ''
  let fresh = ''
  const terminal = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        shown += chunk
        fresh += chunk
        const [next] = waiting
        if (next !== undefined && stripVTControlCharacters(fresh).includes(next[0])) {
          waiting.shift()
          fresh = ''
          setImmediate(() => input.write(next[1]))
        }
        done()
      },
    }),
    { isTTY: true },
  )
  const exit = await runCli(args, { ...test.world(), input, output: terminal, errors: terminal })
  assert.deepEqual(waiting, [], 'every question was asked')
  return { exit, shown: stripVTControlCharacters(shown) }
}

function inspect(home: string): ReturnType<typeof inspectDatabase> {
  return inspectDatabase(join(home, 'guichet.db'))
}

function conf(key = KEY): string {
  return `[films]\ntype = fichier\napi_key = ${key}\n`
}

async function put(test: TestWorld, name: string, text: string | Buffer): Promise<string> {
  const path = join(test.folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text, { mode: 0o600 })
  return path
}

async function openWorld(): Promise<TestWorld> {
  const test = await openTestWorld()
  // Nobody listens at port 1: a gateway of these tests reaches nobody.
  test.env = { ...test.env, GUICHET_HOME: join(test.folder, 'home'), GUICHET_UPSTREAM_CONNECT: '127.0.0.1:1' }
  return test
}

describe('guichet adopt (U7)', () => {
  it('makes a home, moves the key into its vault, and leaves a virtual key, with no gateway running (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.config/rclone/rclone.conf', conf())
    const script = await put(
      test,
      'backup.sh',
      `curl -H "Authorization: Bearer ${KEY}" https://api.1fichier.com/v1\n`,
    )
    const taken = await test.run([...TAKE, path, script, '--address', 'http://127.0.0.1:8474'])
    assert.equal(taken.exit, 0, taken.errors)
    assert.match(await readFile(path, 'utf8'), /^\[films\]\ntype = fichier\napi_key = gch_[0-9A-Za-z]{28}\n$/)
    assert.match(
      await readFile(script, 'utf8'),
      /^curl -H "Authorization: Bearer gch_\w{28}" http:\/\/127.0.0.1:8474\/v1\n$/,
    )
    const unlock = (await readFile(join(test.folder, 'unlock'), 'utf8')).trim()
    assert.equal((await openVault(join(test.folder, 'home/vault'), new Secret(unlock))).expose(), KEY)
    assert.ok(!`${taken.output}${taken.errors}`.includes(KEY))
    assert.match(taken.errors, /console\/params\.pl, then run `guichet rotate`/)

    const again = await test.run(['adopt', path])
    assert.equal(again.exit, 5)
    assert.match(again.errors, /has not been confirmed/)
    assert.equal((await test.run(['adopt', '--confirm'])).exit, 0)
    await assert.rejects(stat(join(test.folder, 'home/adopt')), 'the backups are gone')
    assert.equal((await test.run(['adopt', '--undo'])).exit, 4)
    const nothing = await test.run(['adopt', path])
    assert.equal(nothing.exit, 0, 'a virtual key is nothing to adopt')
    assert.match(nothing.output, /no API key found/)
  })

  it('knows the form of each tool, and gives each tool a key of its own with what it needs (U7)', async () => {
    await using test = await openWorld()
    const accounts = (key: string): string =>
      `{"1fichier.com":[{"user":"ada","password":"${key}","enabled":true}],"other.com":[{"password":"x"}]}`
    const sealed = JDOWNLOADER.close(accounts(KEY))
    const jd = await put(test, `jd2/cfg/${JDOWNLOADER_ACCOUNTS}`, sealed)
    const files: Readonly<Record<string, string>> = {
      '.pyload/settings/accounts.cfg': `version: 1\n\nOneFichierCom:\n\tada:${KEY}\n`,
      '.env': `TZ=Europe/Paris\nFICHIER_API_KEY="${KEY}"\r\n`,
      'docker-compose.yml': `services:\n  sync:\n    environment:\n      - RCLONE_FICHIER_API_KEY=${KEY}\n`,
      'bin/backup': `#!/bin/sh\nrclone copy --fichier-api-key ${KEY} . :fichier:\n`,
    }
    for (const [name, text] of Object.entries(files)) await put(test, name, text)
    const taken = await test.run([...TAKE, '--json'])
    assert.equal(taken.exit, 0, taken.errors)
    const { keys } = JSON.parse(taken.output) as { keys: { tool: string; id: string }[] }
    assert.deepEqual(keys.map(({ tool }) => tool).sort(), [
      'JDownloader',
      'compose file',
      'environment file',
      'pyLoad',
      'script',
    ])
    for (const [name, text] of Object.entries(files)) {
      const now = await readFile(join(test.folder, name), 'utf8')
      assert.equal(now.replace(/gch_[0-9A-Za-z]{28}/, KEY), text, name)
    }
    const opened = JDOWNLOADER.open(await readFile(jd))
    assert.ok('text' in opened)
    assert.equal(opened.text.replace(/gch_[0-9A-Za-z]{28}/, KEY), accounts(KEY))
    const { keys: issued } = inspect(join(test.folder, 'home'))
    const verbs = new Map(issued.map((key) => [key.name.replace(/-[0-9a-f]{8}$/, ''), key.verbs]))
    assert.deepEqual(verbs.get('JDownloader'), ['list', 'stat', 'download', 'account'])
    assert.ok(!verbs.get('script')?.includes('delete'))
    assert.equal((await test.run(['adopt', '--undo'])).exit, 0)
    assert.deepEqual(await readFile(jd), sealed)
  })

  it('undoes itself (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    assert.equal((await test.run(TAKE)).exit, 0)
    assert.notEqual(await readFile(path, 'utf8'), conf())
    const undone = await test.run(['adopt', '--undo', '--json'])
    assert.equal(undone.exit, 0, undone.errors)
    assert.deepEqual(JSON.parse(undone.output), { restored: [path] })
    assert.equal(await readFile(path, 'utf8'), conf())
  })

  it('shows beforehand what it would do, and touches nothing (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    const shown = await test.run(['adopt', '--dry-run'])
    assert.equal(shown.exit, 0, shown.errors)
    assert.match(shown.output, /^-api_key = <the API key>\n\+api_key = <a virtual key>$/m)
    assert.ok(!`${shown.output}${shown.errors}`.includes(KEY))
    assert.equal(await readFile(path, 'utf8'), conf())
    await assert.rejects(stat(join(test.folder, 'home')))
  })

  it('asks which key is meant where there are several (U7)', async () => {
    await using test = await openWorld()
    const mine = await put(test, '.rclone.conf', conf())
    const theirs = await put(test, 'other.conf', conf(OTHER))
    const asked = await test.run([...TAKE, mine, theirs])
    assert.equal(asked.exit, 2)
    assert.match(asked.errors, /2 different keys were found/)
    assert.ok(!asked.errors.includes(KEY) && !asked.errors.includes(OTHER))
    const [, fingerprint = ''] = /([0-9a-f]{16}) {2}\S+other\.conf/.exec(asked.errors) ?? []
    const taken = await test.run([...TAKE, mine, theirs, '--key', fingerprint])
    assert.equal(taken.exit, 0, taken.errors)
    assert.equal(await readFile(mine, 'utf8'), conf(), 'the other key stays where it is')
    assert.notEqual(await readFile(theirs, 'utf8'), conf(OTHER))
    const wrong = await test.run([...TAKE, mine, '--key', 'ffff'])
    assert.notEqual(wrong.exit, 0)
  })

  it('follows a link to the file itself, and looks at it once (U7)', async () => {
    await using test = await openWorld()
    const real = await put(test, 'dotfiles/rclone.conf', conf())
    await symlink(real, join(test.folder, '.rclone.conf'))
    await mkdir(join(test.folder, '.config/rclone'), { recursive: true })
    await symlink(real, join(test.folder, '.config/rclone/rclone.conf'))
    const taken = await test.run([...TAKE, '--json'])
    assert.equal(taken.exit, 0, taken.errors)
    assert.deepEqual(JSON.parse(taken.output).files, [{ path: real, tool: 'rclone' }])
    assert.ok(!(await readFile(join(test.folder, '.rclone.conf'), 'utf8')).includes(KEY))
  })

  it('leaves to a person what it cannot change, and says why (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    await link(path, join(test.folder, 'another-name.conf'))
    await put(test, '.bash_history', `ls\nexport FICHIER_API_KEY=${KEY}\n`)
    const told = await test.run(['adopt', '--json', '--yes'])
    assert.equal(told.exit, 0, told.errors)
    const { files, byHand } = JSON.parse(told.output)
    assert.deepEqual(files, [])
    assert.deepEqual(
      byHand.map(({ why }: { why: string }) => why.split(':')[0]),
      ['the file has another name (a hard link), which would keep the key', 'a history is no setting'],
    )
    assert.equal(await readFile(path, 'utf8'), conf())
  })

  it('says what to do with an encrypted rclone.conf (U7)', async () => {
    await using test = await openWorld()
    await put(test, '.rclone.conf', '# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabcd\n')
    const told = await test.run(['adopt'])
    assert.match(told.errors, /encrypted with a password of rclone\nhint: take the password off/)
  })

  it('without a terminal wants to be told everything beforehand (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    const unasked = await test.run(['adopt'])
    assert.equal(unasked.exit, 2)
    assert.match(unasked.errors, /give --yes/)
    const unlocked = await test.run(['adopt', '--yes'])
    assert.equal(unlocked.exit, 2)
    assert.match(unlocked.errors, /--unlock-file/)
    assert.equal(await readFile(path, 'utf8'), conf())
    assert.equal((await test.run(['adopt', 'nowhere.conf'])).exit, 4)
    assert.equal((await test.run([...TAKE])).exit, 0)
    assert.equal((await test.run(['adopt', '--confirm'])).exit, 0)
    await put(test, '.rclone.conf', conf())
    const twice = await test.run([...TAKE])
    assert.equal(twice.exit, 2)
    assert.match(twice.errors, /--vault keep/)
  })

  it('asks on a terminal for all it needs, and works with a vault that only a person can open (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    const secret = 'a passphrase of the test'
    const asked = await answer(
      test,
      ['adopt'],
      [
        ['Put virtual keys into these files?', 'y'],
        ['How is the vault to be opened', '\r'],
        ['A passphrase of 8 characters', `${secret}\r`],
        ['The same passphrase again', `${secret}\r`],
      ],
    )
    assert.equal(asked.exit, 0, asked.shown)
    assert.match(await readFile(path, 'utf8'), /gch_/)
    assert.equal((await openVault(join(test.folder, 'home/vault'), new Secret(secret))).expose(), KEY)
    assert.ok(!asked.shown.includes(KEY))
    assert.equal((await test.run(['adopt', '--undo'])).exit, 0)

    const declined = await answer(test, ['adopt'], [['Put virtual keys into these files?', 'n']])
    assert.equal(declined.exit, 130)
    assert.match(declined.shown, /nothing was changed/)
    assert.equal(await readFile(path, 'utf8'), conf())
    const kept = await answer(
      test,
      ['adopt'],
      [
        ['Put virtual keys into these files?', 'y'],
        ['The vault holds a key already', '\r'],
      ],
    )
    assert.equal(kept.exit, 0, kept.shown)
    assert.match(await readFile(path, 'utf8'), /gch_/)
  })

  it('puts the files back by itself when it fails in the middle (U7)', async () => {
    await using test = await openWorld()
    const path = await put(test, '.rclone.conf', conf())
    const failed = await test.run([...TAKE, '--root', '/no-such-folder'])
    assert.notEqual(failed.exit, 0)
    assert.equal(await readFile(path, 'utf8'), conf())
    await assert.rejects(stat(join(test.folder, 'home/adopt')))
  })
})
