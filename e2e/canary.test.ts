import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { writeHeapSnapshot } from 'node:v8'
import { without } from './clients.ts'
import { formsOf, type Search, searchFor } from './leaks.ts'
import { type Ran, type Stand, startStand } from './stand.ts'

/** Keys that hold every kind of character that an encoding would change; the second takes the place of the first for a while. */
const CANARY = 'cAnary-1_first=7Kq2ZxW9vT4bN8mE5='.slice(0, 32)
const SECOND = 'cAnary-2_other=3Hj6YsD1gL0fR5pU8='.slice(0, 32)

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

/** Everything that clients were told, in all doors. */
class Told {
  readonly #searches: readonly Search[]
  answers = 0

  constructor(searches: readonly Search[]) {
    this.#searches = searches
  }

  note(place: string, content: string | Uint8Array): void {
    for (const search of this.#searches) search.bytes(place, content)
  }

  ran(ran: Ran): Ran {
    this.note('output of a command', `${ran.stdout}\n${ran.stderr}`)
    return ran
  }

  async ask(
    url: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly body: Buffer }> {
    const response = await fetch(url, { redirect: 'manual', ...init })
    const body = Buffer.from(await response.arrayBuffer())
    this.answers += 1
    this.note(`headers of ${url}`, JSON.stringify([...response.headers]))
    this.note(`body of ${url}`, body)
    return { status: response.status, body }
  }
}

/** Calls of every kind to both doors, most of which work and many of which do not. */
async function mixedCalls(
  stand: Stand,
  told: Told,
  key: string,
  round: number,
  /** An upload is kept until the vault is open again, so nobody waits for its end. */
  isSealed: boolean = false,
): Promise<void> {
  const json = (endpoint: string, body: object): Promise<{ status: number; body: Buffer }> =>
    told.ask(`${stand.url}/v1/${endpoint}.cgi`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const api = (target: string, init: RequestInit = {}): Promise<{ status: number; body: Buffer }> =>
    told.ask(`${stand.url}/api/v1/${target}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...init.headers },
    })
  const { folder_id: folder } = JSON.parse(
    (await json('folder/mkdir', { name: `round ${round}` })).body.toString(),
  )
  const form = new FormData()
  form.set('did', String(folder ?? 0))
  form.set('file[]', new Blob([`content ${round}`]), `file ${round}.txt`)
  const authorization = `Bearer ${key}`
  await told.ask(`${stand.url}/upload.cgi?id=round${round}`, {
    method: 'POST',
    body: form,
    headers: { authorization },
  })
  const report = await told.ask(`${stand.url}/${isSealed ? 'healthz' : `end.pl?xid=round${round}`}`, {
    headers: { authorization, json: '1' },
  })
  const link = /https:[^"]*/.exec(report.body.toString())?.[0] ?? 'https://1fichier.com/?aaaaaaaaaaaaaaaaaaaa'
  const token = JSON.parse((await json('download/get_token', { url: link })).body.toString())
  if (token.url !== undefined)
    for (const range of ['bytes=0-3', 'bytes=99-']) await told.ask(token.url, { headers: { range } })
  for (const [endpoint, body] of Object.entries<object>({
    'folder/ls': { folder_id: folder, files: 1 },
    'file/ls': { folder_id: 'nonsense' },
    'file/info': { url: link },
    'file/rename': { urls: [{ url: link, filename: `renamed ${round}.txt` }] },
    'file/cp': { urls: [link], folder_id: folder, rename: 'bad$name' },
    'file/chattr': { urls: [link], description: 'x', pass: 'short' },
    'file/mv': { urls: [link], destination_folder_id: 0 },
    'folder/mv': { folder_id: folder, rename: `moved ${round}` },
    'folder/share': { folder_id: folder, share: 1 },
    'file/scan': { url: link },
    'user/info': {},
    'remote/request': { urls: ['https://example.com/x'], folder_id: folder },
    'ftp/users/ls': {},
    'vouchers/ls': {},
    'file/rm': { files: [{ url: link }] },
    'folder/rm': { folder_id: folder },
    'no/such': {},
  })) {
    await json(endpoint, body)
  }
  await api(`content?at=/up${round}.txt&wait=${isSealed ? 0 : 1}`, { method: 'PUT', body: 'up' })
  for (const target of [
    'nodes?at=/',
    'children?at=/&refresh=1',
    `content?at=/up${round}.txt`,
    'account',
    'nodes?at=/none',
  ]) {
    await api(target)
  }
  await told.ask(`${stand.url}/healthz`)
  await told.ask(`${stand.url}/v1/folder/ls.cgi`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
  })
}

/** What goes wrong upstream, in every way that carries the key. */
async function faults(stand: Stand, told: Told, key: string): Promise<void> {
  const { emulator } = stand
  for (const [round, fault] of (
    [
      { kind: 'reset' },
      { kind: 'html' },
      { kind: 'truncated-json' },
      { kind: 'status', status: 500 },
      { kind: 'reset-after' },
    ] as const
  ).entries()) {
    for (const at of [
      'folder/ls',
      'folder/mkdir',
      'upload/get_upload_server',
      'download/get_token',
      'user/info',
      'direct',
    ])
      emulator.fault({ ...fault, at, times: 1 })
    emulator.fault({ ...fault, at: 'upload.cgi', times: 1 })
    await mixedCalls(stand, told, key, 100 + round)
    emulator.clearFaults()
  }
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
    await faults(stand, told, key)
    await sealAndRotate(stand, told, key)
    assert.ok(told.answers >= 250, `${told.answers} answers`)

    const { pid } = stand.gateway
    assert.ok(pid !== undefined)
    const family = familyOf(pid)
    assert.ok(family.length >= 2, 'the gateway and its keyholder')
    const snapshot = await heapSnapshotOf(stand, snapshots)
    for (const search of searches) {
      for (const one of family) search.process(one)
      search.file(snapshot)
      if (!search.memory(pid)) test.diagnostic('the memory of the gateway could not be read here')
      await search.directory(stand.work)
      search.bytes('the terminal', stand.output.join('\n'))
      search.bytes('the wire', Buffer.concat(wire.seen))
    }
    assertClean(searches)
    await assertPrivate(stand.home)
    await refusesExposedKeys(stand, told, searches)
    assertSightings(stand)
    const places = searches.reduce((sum, { looked }) => sum + looked.places, 0)
    const bytes = searches.reduce((sum, { looked }) => sum + looked.bytes, 0)
    test.diagnostic(`searched ${places} places, ${Math.round(bytes / 1e6)} MB`)
  })
})

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
async function refusesExposedKeys(stand: Stand, told: Told, searches: readonly Search[]): Promise<void> {
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
