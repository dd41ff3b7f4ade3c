import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { upstreamCalls, whirlpool, writeTree } from './clients.ts'
import { LAUNCHER, type Ran, run, type Stand, startStand } from './stand.ts'

let stand: Stand
before(async () => {
  stand = await startStand({ timeScale: 200 })
})
after(() => stand[Symbol.asyncDispose]())

/** A `guichet` that the test can stop. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [LAUNCHER, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: stand.work, GUICHET_HOME: stand.home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function states(): Promise<readonly { readonly name: string; readonly revokedMs?: number }[]> {
  const { stdout } = await stand.guichet(['key', 'list', '--json'])
  return JSON.parse(stdout).keys
}

async function assertRevoked(tool: string): Promise<void> {
  const own = (await states()).filter(({ name }) => name.startsWith(`run-${tool}-`))
  assert.ok(own.length > 0, `no key was made for ${tool}`)
  assert.deepEqual(
    own.filter(({ revokedMs }) => revokedMs === undefined),
    [],
  )
}

function sh(script: string, options: readonly string[] = []): Promise<Ran> {
  return stand.guichet(['run', ...options, '--', 'sh', '-c', script])
}

describe('guichet run', () => {
  it('keeps the exit code of the tool, also one of a signal, and revokes the key (K20)', async () => {
    assert.equal((await sh('exit 0')).code, 0)
    assert.equal((await sh('exit 7')).code, 7)
    assert.equal((await sh('kill -TERM $$')).code, 143)
    assert.equal((await sh('kill -KILL $$')).code, 137)
    await assertRevoked('sh')
  })

  it('ends with the exit code of shells when the tool cannot be started, and revokes the key (K20)', async () => {
    const missing = await stand.guichet(['run', '--', 'no-such-tool'])
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /error: "no-such-tool" is not a program here\nhint: /)
    await assertRevoked('no-such-tool')
    const file = path.join(stand.work, 'not-a-program')
    await writeFile(file, 'x')
    assert.equal((await stand.guichet(['run', '--', file])).code, 126)
    await assertRevoked('not-a-program')
  })

  it('conceals its key in both outputs, however it is written (K20)', async () => {
    const script =
      'printf "a:%s" "$GUICHET_KEY" | base64 -w0 | head -c 20; sleep 0.2; printf "a:%s" "$GUICHET_KEY" | base64 -w0 | tail -c +21; ' +
      'echo; printf %s "$GUICHET_KEY" | od -An -v -tx1 | tr -d " \\n"; echo; ' +
      'echo "$GUICHET_KEY"; printf %.9s "$GUICHET_KEY"; sleep 0.2; printf %s "$GUICHET_KEY" | tail -c +10; ' +
      'echo; printf "any:%s" "$GUICHET_KEY" | base64 -w0 >&2; echo "$HTTPS_PROXY"'
    const shown = await sh(script)
    assert.equal(shown.code, 0)
    assert.doesNotMatch(shown.stdout + shown.stderr, /gch_|Z2No|dja|6763685f/)
    assert.equal(shown.stdout.match(/<concealed by guichet>/g)?.length, 5)
    assert.match(shown.stderr, /<concealed by guichet>/)
  })

  it('passes bytes through as they are', async () => {
    const { stdout } = await sh('head -c 300000 /dev/zero | tr "\\0" "x"')
    assert.equal(stdout.length, 300_000)
  })

  it('shows the tool nothing of the owner', async () => {
    const { stdout } = await sh('env | cut -d= -f1 | grep -i guichet | sort')
    assert.equal(stdout, 'GUICHET_KEY\nGUICHET_URL\n')
  })

  it('gives a key for no more than was asked for (K20)', async () => {
    const script =
      'curl -sS -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $GUICHET_KEY" -H "Content-Type: application/json" ' +
      '-d \'{"name":"x"}\' https://api.1fichier.com/v1/folder/mkdir.cgi'
    const refused = await sh(script, ['--read-only'])
    assert.equal(refused.stdout, '403', refused.stderr)
    assert.equal((await sh(script)).stdout, '200')
  })

  it('passes signals on, waits for the tool and revokes the key (K20)', async () => {
    const child = start([
      'run',
      '--',
      'bash',
      '-c',
      'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.05; done',
    ])
    const output: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    assert.equal(code, 5)
    assert.match(Buffer.concat(output).toString(), /ready\nbye\n/)
    await assertRevoked('bash')
  })

  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends as its tool does by ${signal}, and the key is revoked (K20)`, async () => {
      const child = start(['run', '--', 'bash', '-c', 'echo ready; exec sleep 60'])
      await once(child.stdout as NodeJS.ReadableStream, 'data')
      child.kill(signal)
      const [code] = await once(child, 'close')
      assert.equal(code, exit)
      await assertRevoked('bash')
    })
  }

  it('is one of three ways in, and in none of them a tool has the API key (K20)', async () => {
    const { key } = await stand.issue('files')
    const authorization = `Bearer ${key}`
    const content = 'the same by every way'
    const put = await fetch(`${stand.url}/api/v1/content?at=/ways.txt`, {
      ...{ method: 'PUT', headers: { authorization }, body: content },
    })
    assert.equal(put.status, 201)
    const ask = { folder_id: 0, filename: 'ways.txt' }
    const token = await fetch(`${stand.url}/v1/download/get_token.cgi`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(ask),
    })
    const { url } = (await token.json()) as { url: string }
    assert.equal(await (await fetch(url)).text(), content, 'by the base address')
    const basic = `Basic ${Buffer.from(`any:${key}`).toString('base64')}`
    const direct = await fetch(`${stand.url}/api/v1/content?at=/ways.txt`, {
      headers: { authorization: basic },
    })
    assert.equal(await direct.text(), content, 'by HTTP')
    const link =
      'curl -sS -H "Authorization: Bearer $GUICHET_KEY" -H "Content-Type: application/json" ' +
      `-d '${JSON.stringify(ask)}' https://api.1fichier.com/v1/download/get_token.cgi`
    const proxied = await sh(`curl -sS "$(${link} | sed 's/.*"url":"\\([^"]*\\)".*/\\1/')"`)
    assert.equal(proxied.stdout, content, proxied.stderr)
    const { keySightings } = stand.emulator.snapshot()
    assert.ok(keySightings.length > 0)
    for (const { value } of keySightings) assert.equal(value, `Bearer ${stand.emulator.apiKey}`)
  })

  it('ends with the tool when nobody reads the output any more', async () => {
    const child = start(['run', '--', 'yes', 'so it goes on'])
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.stdout?.destroy()
    const [code] = await once(child, 'close')
    assert.ok(code === 141 || code === 1, `exit ${code}`)
    await assertRevoked('yes')
  })
})

describe('files', () => {
  it('are taken up where a broken transfer stopped', async () => {
    const content = Buffer.alloc(3_000_000, 'so long a file ')
    const local = path.join(stand.work, 'long.bin')
    await writeFile(local, content)
    assert.equal((await stand.guichet(['put', local, '/'])).code, 0)
    const target = path.join(stand.work, 'long-back.bin')
    const { nodes } = JSON.parse((await stand.guichet(['stat', '--json', '/long.bin'])).stdout)
    const part = `${target}.${nodes[0].id}.part`
    await writeFile(part, content.subarray(0, 1_234_567))
    const got = await stand.guichet(['get', '/long.bin', target])
    assert.equal(got.code, 0, got.stderr)
    assert.equal(whirlpool(await readFile(target)), whirlpool(content))
    assert.equal(existsSync(part), false)
  })

  it('go up to where others are, change places and go away again', async () => {
    const source = path.join(stand.work, 'tree')
    await writeTree(source, ['a', 'b'], 5)
    const done = async (...args: readonly string[]): Promise<Ran> => {
      const ran = await stand.guichet(args)
      assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
      return ran
    }
    await done('put', '-r', `${source}/`, '/moves')
    await done('mv', '/moves/a/file-000.txt', '/moves/first.txt')
    await done('cp', '/moves/first.txt', '/moves/b')
    const listed = JSON.parse((await done('ls', '--json', '/moves/b')).stdout)
    assert.equal(listed.files.length, 6)
    await done('rm', '-r', '--yes', '/moves/b')
    const found = await done('find', '/moves', '--type', 'f', '--quiet')
    assert.equal(found.stdout.trim().split('\n').length, 5)
    assert.equal(found.stderr, '')
  })

  it('that cannot go are named one by one while the others go', async () => {
    const source = path.join(stand.work, 'mixed')
    await mkdir(source)
    await writeFile(path.join(source, 'good.txt'), 'good')
    await writeFile(path.join(source, 'empty.txt'), '')
    await writeFile(path.join(source, 'a"b.txt'), 'x')
    const put = await stand.guichet(['put', '-r', '--json', source, '/'])
    assert.equal(put.code, 2)
    const { stored, failed } = JSON.parse(put.stdout)
    assert.deepEqual(
      stored.map((file: { path: string }) => file.path),
      ['/mixed/good.txt'],
    )
    assert.deepEqual(
      failed.map((file: { code: string }) => file.code),
      ['invalid', 'invalid'],
    )
  })

  it('are listed quietly to a reader that has enough', async () => {
    const child = start(['ls', '-lR', '/'])
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    child.stdout?.destroy()
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.equal(errors, '')
  })
})

describe('a virtual key in the environment', () => {
  it('reaches the gateway without the home, and no further than its root', async () => {
    await stand.guichet(['mkdir', '-p', '/shared/inside'])
    const { key } = await stand.issue('list,download', ['--root', '/shared'])
    const env = { GUICHET_URL: stand.url, GUICHET_KEY: key }
    const inside = await stand.guichet(['ls', '/shared'], { env })
    assert.equal(inside.stdout, 'inside/\n', inside.stderr)
    const outside = await stand.guichet(['ls', '/moves'], { env })
    assert.equal(outside.code, 4)
    const write = await stand.guichet(['mkdir', '/shared/x'], { env })
    assert.equal(write.code, 3)
    assert.match(write.stderr, /hint: .*guichet key create/)
    assert.equal((await stand.guichet(['key', 'list'], { env })).code, 3)
  })

  it('ends with its revocation', async () => {
    const issued = await stand.issue('read')
    const env = { GUICHET_URL: stand.url, GUICHET_KEY: issued.key }
    assert.equal((await stand.guichet(['ls'], { env })).code, 0)
    assert.equal((await stand.guichet(['key', 'revoke', issued.id])).code, 0)
    assert.equal((await stand.guichet(['ls'], { env })).code, 3)
  })
})

describe('the API key', () => {
  it('is forgotten by seal, nothing goes upstream, and unseal brings it back (K2)', async () => {
    assert.equal((await stand.guichet(['seal'])).code, 0)
    const before = upstreamCalls(stand)
    const refused = await stand.guichet(['mkdir', '/sealed'])
    assert.equal(refused.code, 7, refused.stderr)
    assert.match(refused.stderr, /guichet unseal/)
    assert.equal(upstreamCalls(stand), before)
    assert.match((await stand.guichet(['status'])).stdout, /keyholder +sealed/)
    assert.equal((await stand.guichet(['unseal'])).code, 0)
    assert.equal((await stand.guichet(['mkdir', '/unsealed'])).code, 0)
  })

  it('stays as it was when 1fichier refuses the new one', async () => {
    const refused = await stand.guichet(['rotate', '--key-file', '-'], { input: 'Z'.repeat(32) })
    assert.equal(refused.code, 7, refused.stderr)
    assert.doesNotMatch(refused.stderr, /ZZZZ/)
    assert.equal((await stand.guichet(['mkdir', '/after-rotate'])).code, 0)
  })
})

describe('guichet serve', () => {
  it('says that its port or its home is in use, and leaves the running one alone', async () => {
    const second = await stand.guichet(['serve'])
    assert.notEqual(second.code, 0)
    assert.match(second.stderr, /^error: .+\nhint: .+/m)
    assert.doesNotMatch(second.stderr, /at .+\.ts:/)
    assert.equal((await stand.guichet(['ls'])).code, 0)
  })

  it('ends with 0 when it is asked to, and starts again where it was', async () => {
    const { gateway } = stand
    await stand.kill('SIGTERM')
    assert.equal(gateway.exitCode, 0)
    const nobody = await stand.guichet(['ls'])
    assert.equal(nobody.code, 6)
    assert.match(nobody.stderr, /hint: start it with `guichet serve`/)
    await stand.start()
    assert.equal((await stand.guichet(['ls'])).code, 0)
  })
})

describe('guichet completion', () => {
  it('prints a script that bash understands, and answers it', async () => {
    const script = await stand.guichet(['completion', 'bash'])
    assert.equal(script.code, 0)
    const checked = await run('bash', ['-n'], { env: {}, input: script.stdout })
    assert.equal(checked.code, 0, checked.stderr)
    const commands = await stand.guichet(['complete', '--', 'st'])
    assert.match(commands.stdout, /^stat\t/m)
    assert.match(commands.stdout, /^status\t/m)
    assert.match((await stand.guichet(['complete', '--', 'key', ''])).stdout, /^revoke\t/m)
    assert.match((await stand.guichet(['complete', '--', 'put', '--'])).stdout, /^--overwrite\t/m)
  })
})

describe('guichet demo (U1)', () => {
  it('plays the main job by itself, and leaves nothing behind', async () => {
    const temporary = path.join(stand.work, 'tmp')
    await mkdir(temporary)
    const env = { PATH: process.env['PATH'] ?? '', HOME: stand.work, TMPDIR: temporary }
    const played = await run(process.execPath, [LAUNCHER, 'demo', '--json'], { env })
    assert.equal(played.code, 0, played.stderr)
    const { ok, locks, figures } = JSON.parse(played.stdout)
    assert.deepEqual({ ok, locks }, { ok: true, locks: 0 })
    for (const { job, calls, plainCalls } of figures) assert.ok(calls < plainCalls, `${job}: ${calls}`)
    assert.deepEqual(await readdir(temporary), [])
    assert.equal(existsSync(path.join(stand.work, '.local')), false)
  })

  it('cleans up when it is stopped half-way', async () => {
    const temporary = path.join(stand.work, 'tmp-stopped')
    await mkdir(temporary)
    const child = start(['demo', '--stay'], { TMPDIR: temporary })
    for await (const chunk of child.stdout as NodeJS.ReadableStream) {
      if (String(chunk).includes('put -r')) break
    }
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    assert.equal(code, 130)
    assert.deepEqual(await readdir(temporary), [])
    assert.ok((await stat(temporary)).isDirectory())
  })
})
