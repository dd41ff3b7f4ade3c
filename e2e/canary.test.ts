import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { writeHeapSnapshot } from 'node:v8'
import { CANARY, faults, mixedCalls, proxyPages, SECOND, Told } from './canary-calls.ts'
import { without } from './clients.ts'
import { formsOf, type Search, searchFor } from './leaks.ts'
import { type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

/** Passes bytes between the gateway and 1fichier, and keeps them. */
interface Wire extends AsyncDisposable {
  readonly address: string
  readonly seen: Buffer[]
  to: { readonly host: string; readonly port: number } | undefined
}

async function openWire(): Promise<Wire> {
  const sockets = new Set<Socket>()
  const seen: Buffer[] = []
  const server: Server = createServer((near) => {
    const { to } = wire
    if (to === undefined) return void near.destroy()
    const far = connect(to)
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes: Buffer) => seen.push(bytes))
      from.on('error', () => into.destroy())
      from.on('close', () => sockets.delete(from))
      from.pipe(into)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire: Wire = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    to: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  return wire
}

async function commands(stand: Stand, told: Told): Promise<void> {
  for (const args of [
    ['ls', '-l', '/'],
    ['status'],
    ['account'],
    ['stat', '/no such thing'],
    ['config', 'show', '--json'],
    [
      'run',
      '--',
      'sh',
      '-c',
      'tr "\\0" "\\n" < /proc/$PPID/cmdline; tr "\\0" "\\n" < /proc/$PPID/environ; env',
    ],
  ]) {
    told.ran(await stand.guichet(args, { env: { GUICHET_DEBUG: '1' } }))
  }
}

/** Commands that write for other people, one a line: their output is searched, and the directory that they are given. */
const WRITTEN: readonly ((directory: string) => readonly string[])[] = [
  (directory) => ['run', '--', 'sh', '-c', `env > ${directory}/environment-of-a-tool`],
  (directory) => ['doctor', '--bundle', `${directory}/support.json`],
  () => ['ledger', 'export'],
]

/** Seals, is refused, unseals, and puts another API key in the place of the first one for a while. */
async function sealAndRotate(stand: Stand, told: Told, key: string): Promise<void> {
  const env = { GUICHET_DEBUG: '1' }
  const debugged = async (args: readonly string[], input?: string): Promise<number> =>
    told.ran(await stand.guichet(args, { env, ...(input !== undefined && { input }) })).code
  assert.equal(await debugged(['seal']), 0)
  await mixedCalls(stand, told, key, 200, true)
  assert.equal(await debugged(['unseal']), 0)
  assert.equal(await debugged(['rotate', '--key-file', '-'], SECOND), 7, '1fichier does not know this key')
  assert.equal(await debugged(['rotate', '--no-check', '--key-file', '-'], `${SECOND}\n`), 0)
  await mixedCalls(stand, told, key, 201)
  assert.equal(await debugged(['rotate', '--key-file', '-'], CANARY), 0)
  assert.equal(await debugged(['resume']), 0)
  await mixedCalls(stand, told, key, 202)
}

/** A process and all that it has started. */
function familyOf(pid: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const fields = readFileSync(`/proc/${name}/stat`, 'latin1')
            .replace(/^.*\) /s, '')
            .split(' ')
          return [[Number(name), Number(fields[1])] as const]
        } catch {
          return [] // It has ended meanwhile.
        }
      }),
  )
  const isOurs = (child: number | undefined): boolean =>
    child !== undefined && (child === pid || isOurs(parents.get(child)))
  return [...parents.keys()].filter(isOurs)
}

async function heapSnapshotOf(stand: Stand, directory: string): Promise<string> {
  const { pid } = stand.gateway
  assert.ok(pid !== undefined)
  const before = await readdir(directory)
  process.kill(pid, 'SIGUSR2')
  // It stands still while it writes, so an answer after the file is there means that the file is whole.
  let name: string | undefined
  for (let tries = 0; tries < 50 && name === undefined; tries += 1) {
    await fetch(`${stand.url}/healthz`)
    name = (await readdir(directory)).find((entry) => !before.includes(entry))
  }
  await fetch(`${stand.url}/healthz`)
  assert.ok(name !== undefined, 'the gateway wrote no heap snapshot')
  return path.join(directory, name)
}

function assertClean(searches: readonly Search[]): void {
  assert.deepEqual(
    searches.flatMap(({ leaks }) => leaks),
    [],
  )
}

describe('the API key (K3, K4)', () => {
  it('would be found by this search in each of its forms, also between two reads', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'guichet-canary-'))
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
    const forms = formsOf(CANARY)
    assert.ok(forms.length >= 40)
    for (const [index, { form, bytes }] of forms.entries()) {
      const search = searchFor(CANARY)
      const file = path.join(directory, `planted-${index}`)
      await writeFile(file, Buffer.concat([Buffer.alloc(1024 * 1024 - 5, 'x'), bytes, Buffer.alloc(99, 'y')]))
      search.file(file)
      assert.ok(
        search.leaks.some((leak) => leak.form === form),
        `${form} was planted and not found`,
      )
      await rm(file)
    }
    for (const text of [
      `{"a":"${CANARY}"}`,
      `a:${CANARY}`,
      Buffer.from(`any:${CANARY}`).toString('base64'),
      Buffer.from(`a:${CANARY}`).toString('base64'),
      `first half ${CANARY.slice(0, 16)}`,
      `second half ${CANARY.slice(16)}`,
      [...CANARY].reverse().join(''),
    ]) {
      const search = searchFor(CANARY)
      search.bytes('planted', text)
      assert.notDeepEqual(search.leaks, [], text)
    }
    const own = searchFor(CANARY)
    assert.equal(own.memory(process.pid), true)
    assert.notDeepEqual(own.leaks, [], 'this process holds the key in its memory')
    const heap = searchFor(CANARY)
    heap.file(writeHeapSnapshot(path.join(directory, 'own.heapsnapshot')))
    assert.notDeepEqual(heap.leaks, [], 'this process holds the key in its heap')
  })

  it('is in nothing that is written, told or remembered, and goes to the permitted places only', {
    skip: without('sh'),
  }, async (test) => {
    await using wire = await openWire()
    const snapshots = await mkdtemp(path.join(tmpdir(), 'guichet-heap-'))
    await using _snapshots = { [Symbol.asyncDispose]: () => rm(snapshots, { recursive: true }) }
    await using stand = await startStand({
      emulator: { apiKey: CANARY },
      timeScale: 1_000,
      env: {
        GUICHET_LOG: 'debug',
        GUICHET_DEBUG: '1',
        GUICHET_UPSTREAM_CONNECT: wire.address,
        NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}`,
      },
    })
    wire.to = stand.emulator.address
    const searches = [searchFor(CANARY), searchFor(SECOND)]
    const told = new Told(searches)
    const { key } = await stand.issue('all')

    for (let round = 0; round < 4; round += 1) await mixedCalls(stand, told, key, round)
    await commands(stand, told)
    await proxyPages(stand, told, key, `nothing-${'x'.repeat(24)}`)
    await faults(stand, told, key)
    await sealAndRotate(stand, told, key)
    for (let round = 10; told.answers < 1_000; round += 1) await mixedCalls(stand, told, key, round)

    const { pid } = stand.gateway
    assert.ok(pid !== undefined)
    const family = familyOf(pid)
    assert.ok(family.length >= 2, 'the gateway and its keyholder')
    const snapshot = await heapSnapshotOf(stand, snapshots)
    for (const write of WRITTEN) told.ran(await stand.guichet(write(stand.work)))
    const cache = path.join(import.meta.dirname, '..', 'node_modules', '.cache', 'guichet')
    for (const search of searches) {
      for (const one of family) search.process(one)
      search.file(snapshot)
      // Where Node keeps the code that it has compiled.
      if (existsSync(cache)) await search.directory(cache)
      if (!search.memory(pid)) test.diagnostic('the memory of the gateway could not be read here')
      await search.directory(stand.work)
      search.bytes('the terminal', stand.output.join('\n'))
      search.bytes('the wire', Buffer.concat(wire.seen))
    }
    assertClean(searches)
    await assertPrivate(stand.home)
    await refusesExposedKeys(stand, told, searches, key)
    assertSightings(stand)
    const places = searches.reduce((sum, { looked }) => sum + looked.places, 0)
    const bytes = searches.reduce((sum, { looked }) => sum + looked.bytes, 0)
    test.diagnostic(`searched ${places} places, ${Math.round(bytes / 1e6)} MB`)
  })

  it('is in nothing that a crash of the gateway or of the keyholder leaves behind (K3)', {
    skip: without('sh'),
  }, async (test) => {
    const thrower = 'process.on("SIGURG", () => { throw new Error("forced") })'
    await using stand = await startStand({
      emulator: { apiKey: CANARY },
      timeScale: 1_000,
      // Core files and reports, as a machine may be set up to write them.
      node: ['sh', '-c', 'cd "$HOME"; ulimit -c unlimited; exec "$0" "$@"', process.execPath],
      env: {
        GUICHET_LOG: 'debug',
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(thrower)} --report-uncaught-exception --report-on-fatalerror --abort-on-uncaught-exception`,
      },
    })
    const search = searchFor(CANARY)
    const told = new Told([search])
    const { key } = await stand.issue('all')
    // A later core file would take the place of an earlier one.
    const keep = (whose: string): Promise<void> =>
      rename(path.join(stand.work, 'core'), path.join(stand.work, `core-${whose}`)).catch(() => undefined)
    for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGURG'] as const) {
      await mixedCalls(stand, told, key, told.answers)
      const keyholder = await keyholderOf(stand)
      process.kill(keyholder, signal === 'SIGURG' ? 'SIGQUIT' : signal)
      await until(`the end of the keyholder by ${signal}`, () => !existsSync(`/proc/${keyholder}`))
      await keep(`keyholder-${signal}`)
      await stand.kill(signal)
      await keep(`gateway-${signal}`)
      await stand.start()
    }
    await stand.kill('SIGTERM')
    const left = (await readdir(stand.work, { recursive: true })).filter((name) =>
      /(^|\/)(core|report)/.test(name),
    )
    test.diagnostic(`left behind: ${left.join(' ') || 'nothing'}`)
    await search.directory(stand.work)
    search.bytes('the terminal', stand.output.join('\n'))
    assert.match(stand.output.join('\n'), /forced/, 'the exception was on the terminal')
    assertClean([search])
  })
})

async function keyholderOf({ gateway }: Stand): Promise<number> {
  const [keyholder] = familyOf(gateway.pid ?? 0).filter((pid) => pid !== gateway.pid)
  assert.ok(keyholder !== undefined, 'the gateway has no keyholder')
  return keyholder
}

/** Nothing of a home but its certificate is for other users of the machine. */
async function assertPrivate(home: string): Promise<void> {
  const entries = await readdir(home, { recursive: true })
  assert.ok(entries.length >= 8, 'vault, database, sockets and the rest')
  for (const name of ['.', ...entries]) {
    const { mode } = await stat(path.join(home, name))
    assert.ok(name === 'ca.pem' || (mode & 0o077) === 0, `${name} has the mode ${mode.toString(8)}`)
  }
}

/** Somebody hands the API key itself to every door: it is refused, and repeated nowhere. */
async function refusesExposedKeys(
  stand: Stand,
  told: Told,
  searches: readonly Search[],
  key: string,
): Promise<void> {
  await proxyPages(stand, told, key, CANARY)
  const basic = Buffer.from(`any:${CANARY}`).toString('base64')
  for (const init of [
    { headers: { authorization: `Bearer ${CANARY}` } },
    { headers: { authorization: `Basic ${basic}` } },
    { headers: { authorization: CANARY } },
    { headers: { 'x-api-key': CANARY } },
  ]) {
    for (const target of ['v1/folder/ls.cgi', 'api/v1/status', 'upload.cgi?id=x', 'end.pl?xid=x']) {
      const { status } = await told.ask(`${stand.url}/${target}`, init)
      assert.equal(status, 401, target)
    }
  }
  for (const [args, env] of [
    [['init', CANARY], {}],
    [['rotate', CANARY], {}],
    [['ls', `/${CANARY}`], {}],
    [['ls', '/'], { GUICHET_URL: stand.url, GUICHET_KEY: CANARY }],
    [['key', 'create', '--name', 'x', '--verbs', CANARY], {}],
  ] as const) {
    const ran = await stand.guichet(args, { env: { ...env, GUICHET_DEBUG: '' } })
    assert.notEqual(ran.code, 0, args.join(' '))
  }
  for (const search of searches) {
    await search.directory(stand.home)
    search.bytes('the terminal', stand.output.join('\n'))
  }
  assertClean(searches)
}

function assertSightings(stand: Stand): void {
  const { keySightings } = stand.emulator.snapshot()
  const real = keySightings.filter(({ value }) => value.includes(CANARY) || value.includes(SECOND))
  assert.ok(real.length >= 15, `the key was seen by ${real.length} paths`)
  for (const { host, path: where, place, value } of real) {
    assert.equal(place, 'authorization', `${host}${where}`)
    assert.ok([`Bearer ${CANARY}`, `Bearer ${SECOND}`].includes(value), value)
    const isPermitted =
      host === 'api.1fichier.com' ? /^\/v1\/[a-z_/]+\.cgi$/.test(where) : where === '/upload.cgi'
    assert.ok(isPermitted, `${host}${where}`)
  }
  assert.deepEqual(
    keySightings.filter((sighting) => !real.includes(sighting)),
    [],
    'no other credential goes out',
  )
}
