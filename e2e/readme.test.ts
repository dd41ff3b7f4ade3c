import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { startEmulator } from '@guichet/emulator'
import { without } from './clients.ts'
import { LAUNCHER, run } from './stand.ts'

const root = path.join(import.meta.dirname, '..')
/** What the machine itself has to run: fresh clones do, in CI. */
const INSTALLING = ['npm ci && npm run demo', 'npm ci && npm test', 'npm install --global .']

async function blocksOf(file: string): Promise<readonly string[]> {
  const text = await readFile(path.join(root, file), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => (match[1] ?? '').trim())
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('the readme', { skip: without('rclone') || without('curl') }, () => {
  it('begins with the command that shows the main job, and it does', async () => {
    assert.equal((await blocksOf('README.md'))[0], INSTALLING[0])
    const demo = await run('npm', ['run', '--silent', 'demo'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir() },
      cwd: root,
    })
    assert.equal(demo.code, 0, demo.stderr)
    assert.match(demo.stdout, /0 locks/)
    // Nothing is installed yet: what it says to type next works all the same.
    const [, typed = ''] = /^ {2}(.+) init /m.exec(demo.stderr) ?? []
    const next = await run('bash', ['-c', `${typed} --version`], { env: { PATH: process.env['PATH'] ?? '' } })
    assert.equal(next.code, 0, `${typed}: ${next.stderr}`)
  })

  it('shows commands that work as they stand, in their order', async () => {
    await using opened = new AsyncDisposableStack()
    const work = await mkdtemp(path.join(tmpdir(), 'guichet-readme-'))
    opened.defer(() => rm(work, { recursive: true, force: true }))
    const emulator = opened.use(await startEmulator({ rules: 'documented', timeScale: 50 }))
    await mkdir(path.join(work, 'bin'))
    await mkdir(path.join(work, 'holiday'))
    await symlink(LAUNCHER, path.join(work, 'bin', 'guichet'))
    for (const name of ['beach.jpg', 'town.jpg'])
      await writeFile(path.join(work, 'holiday', name), `a picture of ${name}`)
    await writeFile(path.join(work, 'key.txt'), emulator.apiKey, { mode: 0o600 })
    await writeFile(path.join(work, 'rules.json'), '{"timeScale":50}')
    const port = await freePort()
    const env = {
      PATH: `${path.join(work, 'bin')}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: work,
      GUICHET_RULES: path.join(work, 'rules.json'),
      GUICHET_UPSTREAM_CONNECT: `${emulator.address.host}:${emulator.address.port}`,
      GUICHET_UPSTREAM_CA: emulator.caFile,
    }
    for (const block of await blocksOf('README.md')) {
      if (INSTALLING.includes(block)) continue
      const script = block.replaceAll('8474', String(port))
      const [before = '', serve] = script.split(/^(?=guichet serve)/m)
      const ran = await run('bash', ['-euc', before], { env, cwd: work })
      assert.equal(ran.code, 0, `${before}\n${ran.stdout}${ran.stderr}`)
      if (serve === undefined) continue
      const gateway = spawn('bash', ['-c', `exec ${serve}`], {
        env,
        cwd: work,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      opened.defer(async () => {
        const gone = new Promise((resolve) => gateway.once('exit', resolve))
        gateway.kill('SIGTERM')
        await gone
      })
      for await (const line of createInterface(gateway.stdout)) if (line.includes(String(port))) break
      gateway.stdout.resume()
    }
    assert.deepEqual(emulator.snapshot().broken, {})
    assert.deepEqual(
      emulator.account
        .files()
        .map((file) => file.path)
        .sort(),
      ['/photos/beach.jpg', '/photos/town.jpg'],
    )
  })
})
