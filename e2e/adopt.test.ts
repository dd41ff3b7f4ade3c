import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { without } from './clients.ts'
import { searchFor } from './leaks.ts'
import { LAUNCHER, run, type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

describe('guichet adopt with unmodified rclone (U7)', { skip: without('rclone') }, () => {
  it('takes the key out of rclone.conf, and rclone goes on through the gateway (U7)', async () => {
    await using stand = await startStand()
    stand.emulator.account.putFile('/films/a.mkv', Buffer.from('a film'))
    const conf = await rcloneConf(stand)
    const taken = await stand.guichet(['adopt', '--yes', '--vault', 'keep', '--json'])
    assert.equal(taken.code, 0, taken.stderr)
    assert.equal((await stat(conf)).mode & 0o777, 0o640)
    assert.equal((await stand.guichet(['adopt', '--confirm'])).code, 0)

    const byRun = await stand.guichet(['run', '--', 'rclone', '--config', conf, 'lsf', 'films:films'])
    assert.deepEqual([byRun.code, byRun.stdout], [0, 'a.mkv\n'], byRun.stderr)
    // And without `run`: the virtual key of the file itself, by the proxy.
    const [, key = ''] = /api_key = (\S+)/.exec(await readFile(conf, 'utf8')) ?? []
    const byProxy = await run(
      'rclone',
      ['--config', conf, '--ca-cert', path.join(stand.home, 'ca.pem'), 'cat', 'films:films/a.mkv'],
      { env: { PATH: process.env['PATH'] ?? '', HTTPS_PROXY: stand.url.replace('//', `//rclone:${key}@`) } },
    )
    assert.deepEqual([byProxy.code, byProxy.stdout], [0, 'a film'], byProxy.stderr)

    // With `run` the key of that run counts, and that of the file is not needed.
    const [{ id = '' } = {}] = JSON.parse(taken.stdout).keys as { id: string }[]
    assert.equal((await stand.guichet(['key', 'revoke', id])).code, 0)
    const revoked = await stand.guichet(['run', '--', 'rclone', '--config', conf, 'lsf', 'films:films'])
    assert.deepEqual([revoked.code, revoked.stdout], [0, 'a.mkv\n'], revoked.stderr)

    const search = searchFor(stand.emulator.apiKey)
    await search.directory(stand.work)
    search.bytes('what was printed', `${taken.stdout}${taken.stderr}`)
    assert.deepEqual(search.leaks, [], 'the key is nowhere but in the vault, encrypted')
    const { broken, locks } = stand.emulator.snapshot()
    assert.deepEqual({ broken, locks }, { broken: {}, locks: 0 })
  })

  it('rclone itself reads what was obscured again (U7)', async () => {
    await using stand = await startStand()
    const env = { PATH: process.env['PATH'] ?? '' }
    const obscured = (await run('rclone', ['obscure', stand.emulator.apiKey], { env })).stdout.trim()
    const conf = await rcloneConf(stand, obscured)
    assert.equal((await stand.guichet(['adopt', '--yes', '--vault', 'keep'])).code, 0)
    const [, cover = ''] = /api_key = (\S+)/.exec(await readFile(conf, 'utf8')) ?? []
    assert.notEqual(cover, obscured)
    const revealed = await run('rclone', ['reveal', cover], { env })
    assert.match(revealed.stdout, /^gch_[0-9A-Za-z]{28}\n$/)
  })
})

describe('guichet adopt (U7)', () => {
  it('tries a key with 1fichier before it replaces that of the vault, and changes nothing if that fails (U7)', async () => {
    await using stand = await startStand()
    const wrong = 'wR0-ngK3y_tH4t=1f1Ch13rRefuses12'
    const conf = await rcloneConf(stand, wrong)
    const refused = await stand.guichet(['adopt', '--yes', '--vault', 'replace'])
    assert.equal(refused.code, 7, refused.stderr)
    assert.ok((await readFile(conf, 'utf8')).includes(wrong))
    assert.equal((await stand.guichet(['ls', '/'])).code, 0, 'the vault has its old key')
    await rcloneConf(stand)
    const taken = await stand.guichet(['adopt', '--yes', '--vault', 'replace'])
    assert.equal(taken.code, 0, taken.stderr)
    assert.match(taken.stdout, /has replaced the one in the vault/)
    assert.equal((await stand.guichet(['ls', '/'])).code, 0)
  })

  it('after kill -9 in the middle, --undo puts every file back to the byte and revokes the keys (U7)', async () => {
    await using stand = await startStand()
    const folder = path.join(stand.work, 'scripts')
    const scripts = new Map<string, string>()
    await mkdir(folder)
    for (let index = 0; index < 150; index += 1) {
      const text = `#!/bin/sh\n# ${index}\nexport FICHIER_API_KEY=${stand.emulator.apiKey}\r\n`
      scripts.set(path.join(folder, `s${String(index).padStart(3, '0')}.sh`), text)
    }
    for (const killedAfter of [0, 1, 70]) {
      for (const [file, text] of scripts) {
        await writeFile(file, text)
        await chmod(file, 0o750)
      }
      const child = spawn(process.execPath, [LAUNCHER, 'adopt', '--yes', '--vault', 'keep', folder], {
        env: { PATH: process.env['PATH'] ?? '', HOME: stand.work, GUICHET_HOME: stand.home },
        stdio: 'ignore',
      })
      const gone = new Promise((resolve) => child.once('exit', resolve))
      const journal = path.join(stand.home, 'adopt', 'journal.json')
      await until(
        'files that have changed',
        async () => (await isThere(journal)) && (await countChanged(scripts)) >= killedAfter,
      )
      child.kill('SIGKILL')
      await gone
      const blocked = await stand.guichet(['adopt', '--yes', '--vault', 'keep', folder])
      assert.equal(blocked.code, 5, blocked.stderr)
      const undone = await stand.guichet(['adopt', '--undo'])
      assert.equal(undone.code, 0, undone.stderr)
      assert.equal(await countChanged(scripts), 0)
      for (const file of scripts.keys()) assert.equal((await stat(file)).mode & 0o777, 0o750)
      const { keys } = JSON.parse((await stand.guichet(['key', 'list', '--json'])).stdout)
      assert.ok(keys.every((key: { revokedMs?: number }) => key.revokedMs !== undefined))
      await rm(folder, { recursive: true })
      await mkdir(folder)
    }
  })
})

async function rcloneConf(stand: Stand, key = stand.emulator.apiKey): Promise<string> {
  const folder = path.join(stand.work, '.config/rclone')
  const conf = path.join(folder, 'rclone.conf')
  await mkdir(folder, { recursive: true })
  await writeFile(conf, `# mine\n[films]\ntype = fichier\napi_key = ${key}\n\n[other]\ntype = local\n`)
  await chmod(conf, 0o640)
  return conf
}

async function countChanged(files: ReadonlyMap<string, string>): Promise<number> {
  let count = 0
  for (const [file, text] of files) if ((await readFile(file, 'utf8')) !== text) count += 1
  return count
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
