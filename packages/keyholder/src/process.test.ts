import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Secret } from '@guichet/core'
import { connectKeyholder } from './client.ts'
import { startUpstream, testDirectory } from './recording-upstream.testing.ts'
import { type KeyholderStart, startKeyholder } from './start.ts'
import { createVault } from './vault.ts'
import { KEY, LISTING, NEXT_KEY, post, refusal, textOf } from './world.testing.ts'

const UNLOCK = 'canary-unlock-secret-of-the-tests'
const COST = { passes: 2, memoryKiB: 19_456, parallelism: 1 }

async function newHome(home: string, env: KeyholderStart['env'] = {}): Promise<KeyholderStart> {
  await createVault(join(home, 'vault'), {
    apiKey: new Secret(KEY),
    ways: [{ name: 'unlock-file', kind: 'file', secret: new Secret(UNLOCK) }],
    nowMs: 0,
    cost: COST,
  })
  const unlockFile = join(home, 'unlock')
  await writeFile(unlockFile, `${UNLOCK}\n`, { mode: 0o600 })
  return { home, socketPath: join(home, 'run', 'keyholder.sock'), unlockFile, prompt: false, env }
}

/** How many sockets of the network a process listens on. */
function listenersOf(pid: number): number {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1]
      } catch {
        return undefined // Closed meanwhile.
      }
    }),
  )
  const LISTEN = '0A'
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === LISTEN && own.has(columns[9])),
  ).length
}

describe('keyholder process', () => {
  it('serves under its own process id until it is stopped', async () => {
    using directory = testDirectory()
    await using upstream = await startUpstream()
    const connect = `127.0.0.1:${upstream.port}`
    const options = await newHome(directory.path, {
      GUICHET_UPSTREAM_CONNECT: connect,
      GUICHET_UPSTREAM_CA: upstream.caFile,
    })
    await using keyholder = await startKeyholder(options)
    assert.notEqual(keyholder.pid, process.pid)
    assert.deepEqual([keyholder.sealed, keyholder.reason], [false, undefined])
    await using client = connectKeyholder(options)
    assert.equal(await textOf(await post(client, LISTING)), '{"status":"OK"}')
    assert.equal(upstream.requests[0]?.headers.authorization, `Bearer ${KEY}`)
    await keyholder.stop()
    assert.deepEqual(await keyholder.exited, { code: 0, signal: null })
    assert.ok(!existsSync(options.socketPath))
    assert.equal((await refusal(post(client, LISTING))).code, 'sealed')
  })

  it('runs sealed, with the reason, when the vault does not open', async () => {
    using directory = testDirectory()
    const options = await newHome(directory.path)
    await writeFile(options.unlockFile ?? '', 'another secret of sufficient length')
    await using keyholder = await startKeyholder(options)
    assert.equal(keyholder.sealed, true)
    assert.match(keyholder.reason ?? '', /does not open the vault/)
    assert.equal(keyholder.problem?.code, 'unauthenticated')
    await using client = connectKeyholder(options)
    assert.equal((await client.unseal(new Secret(UNLOCK))).sealed, false)

    await using none = await startKeyholder({
      ...{ home: join(directory.path, 'empty'), socketPath: join(directory.path, 'run', 'other.sock') },
      ...{ prompt: false, env: {} },
    })
    assert.match(none.reason ?? '', /nothing was configured/)
    assert.equal(none.problem, undefined, 'a passphrase is all it needs')
  })

  it('says why it does not run', async () => {
    using directory = testDirectory()
    const options = await newHome(directory.path)
    await using _first = await startKeyholder(options)
    assert.equal((await refusal(startKeyholder(options))).code, 'conflict')
    const long = { ...options, socketPath: join(directory.path, 'x'.repeat(120)) }
    assert.match((await refusal(startKeyholder(long))).message, /too long/)
    const strange = { ...options, env: { GUICHET_UPSTREAM_CONNECT: 'nowhere' } }
    assert.match((await refusal(startKeyholder(strange))).message, /GUICHET_UPSTREAM_CONNECT/)
    assert.equal((await refusal(startKeyholder({ ...options, nodePath: '/nothing' }))).code, 'sealed')
  })

  it('takes the place of one that was killed', async () => {
    using directory = testDirectory()
    const options = await newHome(directory.path)
    await using killed = await startKeyholder(options)
    process.kill(killed.pid, 'SIGKILL')
    assert.deepEqual(await killed.exited, { code: null, signal: 'SIGKILL' })
    assert.ok(existsSync(options.socketPath))
    await using next = await startKeyholder(options)
    assert.equal(next.sealed, false)
  })

  it('ends with its parent, also when that is killed', async () => {
    using directory = testDirectory()
    const options = await newHome(directory.path)
    const script = `
      import { startKeyholder } from ${JSON.stringify(new URL('./start.ts', import.meta.url).href)}
      const keyholder = await startKeyholder(${JSON.stringify(options)})
      process.stdout.write(String(keyholder.pid))`
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [pid] = await once(parent.stdout, 'data')
    assert.ok(existsSync(`/proc/${pid}`))
    // The keyholder shares this pipe with its parent, so it closes when both are gone.
    const closed = text(parent.stderr)
    parent.kill('SIGKILL')
    assert.equal(await closed, '')
    assert.ok(!existsSync(options.socketPath))
  })

  it('shows nothing in /proc, and takes nothing over from whoever started it (K3, K18)', async () => {
    using directory = testDirectory()
    const hostile = {
      NODE_OPTIONS: '--inspect=127.0.0.1:0 --heapsnapshot-signal=SIGUSR2',
      NODE_DEBUG: 'http,tls',
      NODE_EXTRA_CA_CERTS: '/tmp/their-ca.pem',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      SSLKEYLOGFILE: join(directory.path, 'tls-secrets'),
      LD_PRELOAD: '/tmp/their.so',
      HTTPS_PROXY: 'http://127.0.0.1:1',
      GUICHET_KEY: 'a-virtual-key-that-is-not-its-own',
      PATH: '/usr/bin:/bin',
      HOME: directory.path,
    }
    const options = await newHome(directory.path, hostile)
    await using keyholder = await startKeyholder(options)
    const proc = (name: string): string => readFileSync(`/proc/${keyholder.pid}/${name}`, 'latin1')
    const names = proc('environ')
      .split('\0')
      .map((entry) => entry.split('=', 1)[0])
    assert.deepEqual(names.filter((name) => name !== '' && name !== 'PWD').sort(), ['HOME', 'PATH'])
    for (const text of [proc('cmdline'), proc('environ')])
      for (const secret of [KEY, UNLOCK]) assert.ok(!text.includes(secret))
    const argv = proc('cmdline').split('\0')
    assert.ok(!argv.some((word) => /inspect|heapsnapshot/.test(word)), argv.join(' '))
    assert.match(proc('limits'), /^Max core file size\s+0\s+0\s/m)
    assert.match(proc('status'), /^Umask:\s+0077$/m)
    assert.equal(listenersOf(keyholder.pid), 0, 'no debugger, and nothing else on the network')
  })

  it('stays sealed after a restart until somebody unseals it, whatever opens the vault (K2)', async () => {
    using directory = testDirectory()
    const options = await newHome(directory.path)
    for (const end of ['SIGKILL', 'SIGTERM'] as const) {
      await using first = await startKeyholder(options)
      await using client = connectKeyholder(options)
      assert.equal(first.sealed, false)
      assert.equal((await client.seal()).sealed, true)
      process.kill(first.pid, end)
      await first.exited
      await using next = await startKeyholder(options)
      assert.deepEqual([next.sealed, next.reason], [true, 'somebody sealed it'])
      assert.equal((await client.unseal()).sealed, false)
      await next.stop()
    }
  })

  it('outlives stray signals, and leaves no memory to a core dump', async () => {
    using directory = testDirectory()
    await using keyholder = await startKeyholder(await newHome(directory.path))
    for (const signal of ['SIGUSR1', 'SIGINT', 'SIGHUP'] as const) process.kill(keyholder.pid, signal)
    await using client = connectKeyholder({ socketPath: join(directory.path, 'run', 'keyholder.sock') })
    assert.equal((await client.status()).sealed, false)
    assert.match(readFileSync(`/proc/${keyholder.pid}/coredump_filter`, 'utf8'), /^0+$/m)
  })
})

describe('canary', () => {
  it('is nowhere but in the vault and on the way to 1fichier', async () => {
    using directory = testDirectory()
    await using upstream = await startUpstream()
    const options = await newHome(directory.path)
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const argv = [
      '--home',
      options.home,
      '--socket',
      options.socketPath,
      '--unlock-file',
      options.unlockFile ?? '',
    ]
    const env = {
      GUICHET_UPSTREAM_CONNECT: `127.0.0.1:${upstream.port}`,
      GUICHET_UPSTREAM_CA: upstream.caFile,
    }
    const child = spawn(process.execPath, [main, ...argv], { env })
    const stderr = text(child.stderr)
    const stdout = child.stdout.setEncoding('utf8')
    const seen: string[] = [String((await once(stdout, 'data'))[0])]
    stdout.on('data', (more: string) => seen.push(more))

    await using client = connectKeyholder(options)
    const tell = async (work: Promise<unknown>): Promise<unknown> => seen.push(JSON.stringify(await work))
    const tellRefusal = async (work: Promise<unknown>): Promise<void> => {
      const failure = await refusal(work)
      seen.push(JSON.stringify({ ...failure, text: failure.message, stack: failure.stack }))
    }
    await tell(client.status())
    await tell(post(client, LISTING).then(textOf))
    upstream.reply((request, response) => void response.end(request.headers.authorization))
    await tellRefusal(post(client, LISTING))
    upstream.reply((request) => void request.socket.destroy())
    await tellRefusal(post(client, LISTING))
    await tellRefusal(client.rotate(new Secret(`${NEXT_KEY}?`), { check: false }))
    await tell(client.rotate(new Secret(NEXT_KEY), { check: false }))
    await tell(client.seal())
    await tellRefusal(client.unseal(new Secret(`${UNLOCK}?`)))
    await tell(client.unseal())
    for (const name of ['cmdline', 'environ', 'comm']) {
      seen.push(readFileSync(`/proc/${child.pid}/${name}`, 'latin1'))
    }
    child.kill('SIGUSR1')
    await tell(client.status())
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'close'), [0, null])
    assert.equal(await stderr, '', 'not even a debugger says anything')
    for (const name of readdirSync(realpathSync(directory.path), { recursive: true, withFileTypes: true })) {
      if (name.isFile() && name.name !== 'unlock')
        seen.push(readFileSync(join(name.parentPath, name.name), 'latin1'))
    }

    const everything = seen.join('\n')
    assert.ok(everything.length > 2_000)
    for (const secret of [KEY, NEXT_KEY, UNLOCK]) {
      for (const part of [secret, secret.slice(0, 14), secret.slice(-14)]) {
        for (const spelling of [part, encodeURIComponent(part), Buffer.from(part).toString('hex')]) {
          assert.ok(!everything.includes(spelling), `found ${spelling}`)
        }
        for (const shift of [0, 1, 2]) {
          const encoded = Buffer.from(' '.repeat(shift) + part).toString('base64')
          assert.ok(!everything.includes(encoded.slice(4, -4)), `found ${part} in base64`)
        }
      }
    }
  })
})
