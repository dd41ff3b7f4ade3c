import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { without } from '../clients.ts'
import { run, type Stand, startStand } from '../stand.ts'
import { ledgerOf } from './outside.ts'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const skip = isRoot ? without('setpriv') : 'only root can become another user'

/** What another user tries, as a program: each attempt with what came of it. */
const INTRUDER = `
const fs = require('node:fs'), net = require('node:net')
const { files, sockets, pids } = JSON.parse(process.argv[1])
const tried = {}
const attempt = (name, act) => { try { act(); tried[name] = 'done' } catch (failure) { tried[name] = failure.code } }
for (const file of files) {
  attempt('read ' + file, () => fs.readFileSync(file))
  attempt('write ' + file, () => fs.openSync(file, 'r+'))
  attempt('replace ' + file, () => fs.renameSync(file, file + '.old'))
}
for (const pid of pids) {
  for (const name of ['mem', 'environ', 'maps', 'auxv']) attempt(name + ' ' + pid, () => fs.readFileSync('/proc/' + pid + '/' + name))
  attempt('descriptors ' + pid, () => fs.readdirSync('/proc/' + pid + '/fd'))
  attempt('signal ' + pid, () => process.kill(pid, 'SIGUSR1'))
}
const reach = (socket) => new Promise((resolve) => {
  const to = net.connect(socket)
  to.once('connect', () => { to.destroy(); resolve('done') })
  to.once('error', (failure) => resolve(failure.code))
})
Promise.all(sockets.map(async (socket) => { tried['connect ' + socket] = await reach(socket) }))
  .then(() => console.log(JSON.stringify(tried)))
`

/** The gateway and all that it has started. */
function familyOf(pid: number): readonly number[] {
  const children = readdirSync('/proc').filter((name) => {
    try {
      return new RegExp(`^\\d+ \\(.*\\) \\S ${pid} `).test(readFileSync(`/proc/${name}/stat`, 'latin1'))
    } catch {
      return false
    }
  })
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))]
}

describe('another user of the machine', { skip }, () => {
  it('reads no file, opens no socket, and looks into no process, though every directory is open (K3, R3)', async () => {
    await using stand = await startStand()
    await stand.issue('all')
    // More than a careless owner would open: the directories, and the way to them.
    for (const directory of [stand.work, stand.home, path.join(stand.home, 'run')])
      await chmod(directory, 0o755)
    const names = readdirSync(stand.home, { recursive: true, withFileTypes: true })
    const placeOf = (entry: (typeof names)[number]): string => path.join(entry.parentPath, entry.name)
    const files = names.filter((entry) => entry.isFile() && entry.name !== 'ca.pem').map(placeOf)
    const sockets = names.filter((entry) => entry.isSocket()).map(placeOf)
    const pids = familyOf(stand.gateway.pid ?? 0)
    assert.ok(files.length >= 6 && sockets.length === 2 && pids.length >= 2)
    const plan = JSON.stringify({ files: [...files, path.join(stand.work, 'unlock')], sockets, pids })
    const tried = await asNobody(['-e', INTRUDER, plan], stand)
    const outcomes = Object.entries(JSON.parse(tried.stdout) as Record<string, string>)
    assert.ok(outcomes.length >= 40)
    const isBarred = (outcome: string): boolean => ['EACCES', 'EPERM'].includes(outcome)
    assert.deepEqual(
      outcomes.filter(([, outcome]) => !isBarred(outcome)),
      [],
    )
    assert.equal((await stand.status()).keyholder.state, 'ready', 'nothing has been disturbed')
  })
})

async function asNobody(args: readonly string[], stand: Stand) {
  const becomeNobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  const ran = await run('setpriv', [...becomeNobody, process.execPath, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: stand.work },
    cwd: '/',
  })
  assert.equal(ran.code, 0, ran.stderr)
  return ran
}

describe('a link in the place of a file or directory', () => {
  /** Starts the gateway on a home with a trap in it; gives its one error. */
  async function refusal(stand: Stand): Promise<string> {
    const ran = await stand.guichet(['serve', '--listen', '127.0.0.1:0'])
    assert.notEqual(ran.code, 0, ran.stdout)
    assert.match(ran.stderr, /^hint: \S/m)
    return ran.stderr
  }

  it('is not taken for the vault, the sockets’ directory or a home of ours (K1, R3)', async () => {
    await using stand = await startStand()
    await stand.kill('SIGTERM')
    const trap = path.join(stand.work, 'trap')
    await mkdir(trap, { mode: 0o777 })
    await chmod(trap, 0o777)

    const vault = path.join(stand.home, 'vault')
    await rename(vault, path.join(trap, 'vault'))
    await symlink(path.join(trap, 'vault'), vault)
    assert.match(await refusal(stand), /the vault .* is a symbolic link/)
    await rm(vault)
    await rename(path.join(trap, 'vault'), vault)

    const sockets = path.join(stand.home, 'run')
    await rm(sockets, { recursive: true, force: true })
    await symlink(trap, sockets)
    assert.match(await refusal(stand), /other users can reach into .*run/)
    assert.deepEqual(readdirSync(trap), [], 'nothing is left in it')
    await rm(sockets)

    await chmod(stand.home, 0o777)
    assert.match(await refusal(stand), /other users can write into .*home/)
    await chmod(stand.home, 0o700)
    if (isRoot) {
      const real = `${stand.home}-of-another`
      await rename(stand.home, real)
      await symlink(real, stand.home)
      await chown(real, NOBODY, NOBODY)
      assert.match(await refusal(stand), /home belongs to another user/)
      await chown(real, 0, 0)
    }
    await stand.start()
    assert.equal(
      (await stand.status()).keyholder.state,
      'ready',
      'a link of the owner’s own to a home is followed',
    )
    assert.ok(ledgerOf(stand).length > 0)
  })

  it('is not written through where a socket is to be (R3)', async () => {
    await using stand = await startStand()
    await stand.kill('SIGKILL')
    const precious = path.join(stand.work, 'precious')
    await writeFile(precious, 'precious')
    for (const name of ['admin.sock', 'keyholder.sock']) {
      await rm(path.join(stand.home, 'run', name), { force: true })
      await symlink(precious, path.join(stand.home, 'run', name))
    }
    assert.match(await refusal(stand), /keyholder\.sock is in the way and is not a socket/)
    await rm(path.join(stand.home, 'run', 'keyholder.sock'))
    await symlink(precious, path.join(stand.home, 'run', 'admin.sock')).catch(() => undefined)
    await stand.start()
    assert.equal(await readFile(precious, 'utf8'), 'precious')
    assert.equal((await stand.status()).keyholder.state, 'ready')
  })
})
