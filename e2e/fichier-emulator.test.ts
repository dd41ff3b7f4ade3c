import assert from 'node:assert/strict'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import {
  type Exchange,
  type FileEntry,
  type FileHost,
  type FolderId,
  GatewayError,
  type HttpRequest,
  type HttpResponse,
  linkText,
  MINUTE_MS,
  parseFileLink,
  parseFolderId,
  ROOT,
  type StoredFile,
  systemCodeOf,
  type UploadFile,
} from '@guichet/core'
import {
  type Emulator,
  type FaultSpec,
  READINGS,
  type Readings,
  startEmulator,
  whirlpoolOf,
} from '@guichet/emulator'
import { connectFichier } from '@guichet/fichier'

/** The client and the emulated service share nothing but wire.md: what each believes, the other must bear out. */

const BOUNDARY = 'c0ffee'.repeat(10)

interface Stand extends AsyncDisposable {
  readonly emulator: Emulator
  readonly host: FileHost
}

async function startStand(readings: Partial<Readings> = {}): Promise<Stand> {
  const emulator = await startEmulator({ readings, seed: 'fichier-emulator' })
  const open = exchangeWith(emulator)
  const keyed: Exchange = (question) =>
    open({ ...question, headers: { ...question.headers, authorization: `Bearer ${emulator.apiKey}` } })
  const host = connectFichier({ keyed, open, boundary: () => BOUNDARY })
  return { emulator, host, [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose]() }
}

/** The plainest transport: a connection for each request, no redirect followed, nothing sent twice. */
function exchangeWith(emulator: Emulator): Exchange {
  return (question) =>
    new Promise<HttpResponse>((resolve, reject) => {
      const { method, url, headers, body, signal } = question
      const outgoing = request({
        host: emulator.address.host,
        port: emulator.address.port,
        servername: url.hostname,
        ca: emulator.caPem,
        agent: false,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { host: url.host, ...headers },
        ...(signal === undefined ? {} : { signal }),
      })
      const fail = (cause: unknown): void => {
        const isUnsent = systemCodeOf(cause) === 'ECONNREFUSED'
        const facts = isUnsent ? { sent: false } : {}
        reject(new GatewayError('upstream-down', 'no answer', { facts, cause }))
      }
      outgoing.on('error', fail)
      outgoing.on('response', (incoming) => {
        const named = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])
        resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(named), body: incoming })
      })
      pipeline(partsOf(body), outgoing).catch(fail)
    })
}

function partsOf(body: HttpRequest['body']): Readable {
  return Readable.from(body === undefined ? [] : body instanceof Uint8Array ? [body] : body)
}

function fileOf(name: string, content: Buffer): UploadFile {
  async function* open(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < content.length; start += 1_000) yield content.subarray(start, start + 1_000)
  }
  return { name, sizeBytes: content.length, open }
}

async function put(
  host: FileHost,
  folder: FolderId,
  contents: Readonly<Record<string, string>>,
): Promise<readonly StoredFile[]> {
  const files = Object.entries(contents).map(([name, text]) => fileOf(name, Buffer.from(text)))
  const receipt = await host.upload(await host.uploadTarget({}), folder, files, {})
  for (let asked = 0; asked < 50; asked += 1) {
    const report = await host.uploadReport(receipt, {})
    if (report.kind === 'stored') return report.files
  }
  throw new Error('the report stays pending')
}

async function fetched(host: FileHost, file: Pick<FileEntry, 'link'>): Promise<string> {
  const content = await host.openDirect(await host.downloadToken(file.link, {}, {}), undefined, {})
  return (await gathered(content.body)).toString()
}

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function refusal(call: Promise<unknown>): Promise<GatewayError> {
  const failure = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(failure instanceof GatewayError, `the call should have failed: ${String(failure)}`)
  return failure
}

function only<T>(list: readonly T[]): T {
  const [first] = list
  assert.ok(first !== undefined && list.length === 1, `one is expected, not ${list.length}`)
  return first
}

/** What a day's work asks of a service, in every call that files and folders have. */
async function work({ host, emulator }: Stand): Promise<void> {
  const papers = await host.makeFolder('papers é', ROOT, {})
  const old = await host.makeFolder('old', papers, {})
  const [one, two] = await put(host, papers, { 'one.txt': 'the first\n', 'deux é.txt': 'le second\n' })
  assert.ok(one !== undefined && two !== undefined)
  assert.equal(two.name, 'deux é.txt')
  assert.equal(two.sizeBytes, 10)
  assert.equal(two.whirlpool, await whirlpoolOf([Buffer.from('le second\n')]))

  const listing = await host.listFolder(papers, {})
  assert.equal(listing.name, 'papers é')
  assert.deepEqual(
    listing.folders.map((folder) => folder.name),
    ['old'],
  )
  assert.deepEqual(listing.files.map((file) => file.name).sort(), ['deux é.txt', 'one.txt'])
  for (const file of listing.files)
    assert.ok(Math.abs(file.dateMs - Date.now()) < 5 * MINUTE_MS, 'the date is of today')
  assert.deepEqual((await host.listFolder(old, {})).files, [])
  assert.equal((await host.listFiles(papers, {}, {})).length, 2)

  const details = await host.fileInfo(one.link, {}, {})
  assert.equal(details.folder, papers)
  assert.equal(details.path, '/papers é')
  assert.equal(details.contentType, 'text/plain')
  assert.equal(await fetched(host, one), 'the first\n')

  const renamed = only(await host.renameFiles([{ link: one.link, name: 'uno.txt' }], {}))
  const moved = only(await host.moveFiles([renamed], old, undefined, {}))
  assert.equal(only((await host.listFolder(old, {})).files).name, 'uno.txt')
  const copy = only(await host.copyFiles([moved], papers, { rename: 'copy.txt' }, {}))
  assert.equal(await fetched(host, { link: copy }), 'the first\n')
  await host.changeFiles([copy], { description: 'a copy', inline: true }, {})
  await host.changeFiles([copy], { description: 'a copy', inline: true }, {})
  assert.equal((await host.fileInfo(copy, {}, {})).isInline, true)

  await host.renameFolder(old, 'older', papers, {})
  await host.moveFolder(old, ROOT, {})
  assert.deepEqual(emulator.account.list('/')?.folders.toSorted(), ['older', 'papers é'])
  assert.equal(await host.removeFiles([moved], {}), 1)
  await host.removeFolder(old, {})
  assert.equal((await refusal(host.fileInfo(moved, {}, {}))).code, 'not-found')
}

describe('the client at the emulated service', () => {
  it('works with files and folders', async () => {
    await using stand = await startStand()
    await work(stand)
    const { locks, keySightings } = stand.emulator.snapshot()
    assert.equal(locks, 0)
    // The key goes to the API and to the uploads, and nowhere else (promise 1 of the design).
    for (const { host, path } of keySightings) {
      assert.match(host + path, /^(api\.1fichier\.com\/v1\/.*\.cgi|[a-z0-9-]+\.1fichier\.com\/upload\.cgi)/)
    }
    assert.ok(keySightings.length > 0)
  })

  for (const [name, reading] of Object.entries(READINGS)) {
    const values: readonly unknown[] = typeof reading.values === 'string' ? [] : reading.values.slice(1)
    for (const value of values) {
      it(`works when ${reading.says}: ${String(value)}`, async () => {
        await using stand = await startStand({ [name]: value })
        await work(stand)
      })
    }
  }

  it('downloads any part over one token', async () => {
    await using stand = await startStand()
    const { host, emulator } = stand
    const seen = await emulator.account.putSynthetic('/big.bin', { sizeBytes: 5_000_000_000, seed: 's' })
    const url = await host.downloadToken(parseFileLink(seen.link), {}, {})
    for (const startByte of [0, 4_999_999_990, 1_000]) {
      const content = await host.openDirect(url, { startByte, endByte: startByte + 9 }, {})
      assert.deepEqual(
        [content.startByte, content.lengthBytes, content.sizeBytes],
        [startByte, 10, 5_000_000_000],
      )
      assert.equal((await gathered(content.body)).length, 10)
    }
    assert.equal((await refusal(host.openDirect(url, { startByte: 5_000_000_000 }, {}))).code, 'invalid')
    emulator.expireDirectLinks()
    const expired = await refusal(host.openDirect(url, undefined, {}))
    assert.deepEqual([expired.code, expired.facts['expired']], ['not-found', true])
  })

  it('shares, checks and reads in public', async () => {
    await using stand = await startStand()
    const { host } = stand
    const folder = await host.makeFolder('public', ROOT, {})
    const file = only(await put(host, folder, { 'a;b.txt': 'shared\n' }))
    const address = await host.shareFolder(folder, { public: true, pass: 'secret pass' }, {})
    const id = /\/dir\/([A-Za-z0-9]+)$/.exec(address ?? '')?.[1] ?? ''
    assert.equal((await host.listFolder(folder, {})).publicUrl, address)
    assert.equal((await refusal(host.publicFolder(id, {}, {}))).facts['why'], 'password-missing')
    assert.equal(
      (await refusal(host.publicFolder(id, { pass: 'wrong pass' }, {}))).facts['why'],
      'password-wrong',
    )
    const shown = only(await host.publicFolder(id, { pass: 'secret pass' }, {}))
    assert.deepEqual([shown.link, shown.name, shown.sizeBytes], [linkText(file.link), 'a;b.txt', 7])
    assert.equal(await host.shareFolder(folder, { public: false }, {}), undefined)
    assert.equal((await refusal(host.publicFolder(id, {}, {}))).code, 'not-found')

    const gone = parseFileLink('https://1fichier.com/?aaaaabbbbbcccccddddd')
    const states = await host.checkLinks([gone, file.link], {})
    assert.deepEqual(
      states.map(({ state, name }) => [state, name]),
      [
        ['not-found', undefined],
        ['found', 'a;b.txt'],
      ],
    )
  })

  it('knows the account, and changes its settings', async () => {
    await using stand = await startStand()
    const { host } = stand
    const account = await host.account({})
    assert.deepEqual(
      [account.offer, account.email, account.isUploadForbidden],
      ['premium', 'owner@example.com', false],
    )
    assert.ok((account.subscriptionEndMs ?? 0) > Date.now())
    await host.changeAccount({ page_limit: 50 }, {})
    assert.equal(Number((await host.account({})).raw['page_limit']), 50)
  })

  for (const reading of [{}, { pendingExecutionDate: 'empty' }] as const) {
    it(`has 1fichier fetch an address by itself (${JSON.stringify(reading)})`, async () => {
      await using stand = await startStand({ remoteDelayMs: 0, ...reading })
      const { host } = stand
      const id = await host.remote.start([new URL('https://example.com/a.bin')], ROOT, { Cookie: 'a=1' }, {})
      assert.equal(only(await host.remote.list({})).id, id)
      const details = await host.remote.info(id, {})
      assert.deepEqual(details.urls, ['https://example.com/a.bin'])
    })
  }

  it('keeps FTP users and uses vouchers', async () => {
    await using stand = await startStand()
    const { host, emulator } = stand
    await host.ftp.add({ name: 'scanner', pass: 'secret pass', folder: ROOT }, {})
    assert.equal(only(await host.ftp.list({}))['user'], 'scanner')
    await host.ftp.process({})
    await host.ftp.remove('scanner', {})
    assert.deepEqual(await host.ftp.list({}), [])

    emulator.account.addVoucher({ voucher: '0123456789abcdef0123456789abcdef', service: 'Premium 30 days' })
    const { voucher } = only(await host.vouchers.list({}))
    assert.equal(await host.vouchers.check(voucher, {}), 'Premium 30 days')
    await host.vouchers.use(voucher, 'owner@example.com', {})
  })

  it('scans, and learns of a virus', async () => {
    await using stand = await startStand()
    const { host } = stand
    const clean = only(await put(host, ROOT, { 'clean.txt': 'nothing\n' }))
    assert.equal((await host.scanFile(clean.link, {})).kind, 'clean')
    const cached = await host.scanFile(clean.link, {})
    assert.ok(cached.kind === 'clean')
    const eicar = ['X5O!P%@AP[4', '\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join('')
    const bad = only(await put(host, ROOT, { 'bad.com': eicar }))
    assert.equal((await host.scanFile(bad.link, {})).kind, 'infected')
  })

  it('is told why, when the service refuses', async () => {
    await using stand = await startStand()
    const { host, emulator } = stand
    const folder = await host.makeFolder('full', ROOT, {})
    const file = only(await put(host, folder, { 'a.txt': 'a' }))
    const locked = parseFileLink(
      await emulator.account.putForeign({ name: 'x', bytes: Buffer.from('x'), pass: 'secret pass' }),
    )
    const gone = parseFileLink('https://1fichier.com/?aaaaabbbbbcccccddddd')
    const cases: readonly (readonly [string, Promise<unknown>, string])[] = [
      ['a folder that is there', host.makeFolder('full', ROOT, {}), 'conflict'],
      ['a folder that is not empty', host.removeFolder(folder, {}), 'conflict'],
      ['a name it has', host.renameFiles([{ link: file.link, name: 'a.txt' }], {}), 'conflict'],
      ['an unknown folder', host.listFolder(parseFolderId(99_999_999), {}), 'not-found'],
      ['an unknown file', host.downloadToken(gone, {}, {}), 'not-found'],
      ['a password', host.downloadToken(locked, {}, {}), 'file-refused'],
      ['another password', host.downloadToken(locked, { pass: 'wrong pass' }, {}), 'file-refused'],
    ]
    for (const [what, call, code] of cases) assert.equal((await refusal(call)).code, code, what)
    assert.ok((await host.downloadToken(locked, { pass: 'secret pass' }, {})).href.startsWith('https://'))
  })
})

describe('the client at a service in trouble', () => {
  const down: readonly (readonly [FaultSpec, string])[] = [
    [{ kind: 'reset', at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'cut', afterBytes: 20, at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'truncated-json', at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'html', at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'too-many', at: 'folder/ls' }, 'locked'],
    [{ kind: 'flood', scope: 'ip', at: 'folder/ls' }, 'locked'],
    [{ kind: 'flood', scope: 'user', at: 'folder/ls' }, 'locked'],
    [{ kind: 'flood', scope: 'key', at: 'folder/ls' }, 'locked'],
    [{ kind: 'status', status: 502, at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'maintenance', at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'reset-after', at: 'folder/ls' }, 'upstream-down'],
    [{ kind: 'refusal', refusal: 'not-authenticated', at: 'folder/ls' }, 'account-refused'],
    [{ kind: 'refusal', refusal: 'no-such-user', at: 'folder/ls' }, 'account-refused'],
    [{ kind: 'refusal', refusal: 'bad-token', at: 'folder/ls' }, 'account-refused'],
    [{ kind: 'refusal', refusal: 'ip-blocked', at: 'folder/ls' }, 'account-refused'],
    [{ kind: 'refusal', refusal: 'must-be-customer', at: 'folder/ls' }, 'account-refused'],
    [{ kind: 'refusal', refusal: 'owner-locked', at: 'folder/ls' }, 'file-refused'],
    [{ kind: 'refusal', refusal: 'one-location', at: 'folder/ls' }, 'locked'],
    [{ kind: 'refusal', refusal: 'professional-equipment', at: 'folder/ls' }, 'account-refused'],
  ]
  for (const [fault, code] of down) {
    it(`calls ${JSON.stringify(fault)} ${code}`, async () => {
      await using stand = await startStand()
      stand.emulator.fault(fault)
      const failure = await refusal(stand.host.listFolder(ROOT, {}))
      assert.equal(failure.code, code)
      if (fault.kind === 'flood')
        assert.deepEqual([failure.facts['scope'], failure.facts['flood']], [fault.scope, true])
      assert.equal((await stand.host.listFolder(ROOT, {})).id, ROOT)
    })
  }

  for (const floodStatus of [403, 429, 200] as const) {
    it(`takes a flood with ${floodStatus} for a lock, with the time to wait where it is told`, async () => {
      await using stand = await startStand({ floodStatus, retryAfter: 'present' })
      stand.emulator.fault({ kind: 'flood', scope: 'ip', locks: true, at: 'user/info' })
      const failure = await refusal(stand.host.account({}))
      assert.equal(failure.code, 'locked')
      assert.ok((failure.retryAfterMs ?? 0) > 0)
    })
  }

  const uploads: readonly (readonly [FaultSpec, string, boolean | undefined])[] = [
    [{ kind: 'node-cannot-open', at: 'upload.cgi' }, 'upstream-down', false],
    [{ kind: 'reset', at: 'upload.cgi' }, 'upstream-down', undefined],
    [{ kind: 'reset-after', at: 'upload.cgi' }, 'upstream-down', undefined],
    [{ kind: 'html', at: 'upload.cgi' }, 'upstream-down', undefined],
    [{ kind: 'maintenance', at: 'upload.cgi' }, 'upstream-down', undefined],
    [{ kind: 'refusal', refusal: 'not-authenticated', at: 'upload.cgi' }, 'account-refused', undefined],
  ]
  for (const [fault, code, stored] of uploads) {
    it(`calls an upload that meets ${JSON.stringify(fault)} ${code}`, async () => {
      await using stand = await startStand()
      stand.emulator.fault(fault)
      const failure = await refusal(put(stand.host, ROOT, { 'a.txt': 'content' }))
      assert.equal(failure.code, code)
      if (stored !== undefined) assert.equal(failure.facts['stored'], stored)
    })
  }

  it('waits for a late report, and gets it', async () => {
    await using stand = await startStand()
    stand.emulator.fault({ kind: 'end-late', at: 'end.pl' })
    stand.emulator.fault({ kind: 'end-late', shape: 'empty', at: 'end.pl' })
    assert.equal(only(await put(stand.host, ROOT, { 'a.txt': 'content' })).name, 'a.txt')
  })

  it('stores nothing of a file that is shorter than announced', async () => {
    await using stand = await startStand()
    const { host, emulator } = stand
    const short = { ...fileOf('short.txt', Buffer.from('abc')), sizeBytes: 5_000 }
    const whole = fileOf('whole.txt', Buffer.from('abc'))
    const failure = await refusal(host.upload(await host.uploadTarget({}), ROOT, [whole, short], {}))
    assert.deepEqual([failure.code, failure.facts['handedOver']], ['corrupt', false])
    assert.deepEqual(emulator.account.files(), [])
  })

  const downloads: readonly (readonly [FaultSpec, string])[] = [
    [{ kind: 'cut', afterBytes: 3, at: 'direct' }, 'upstream-down'],
    [{ kind: 'reset', at: 'direct' }, 'upstream-down'],
    [{ kind: 'expired-link', at: 'direct' }, 'not-found'],
    [{ kind: 'html', at: 'direct' }, 'upstream-down'],
    [{ kind: 'maintenance', at: 'direct' }, 'upstream-down'],
    [{ kind: 'refusal', refusal: 'professional-equipment', at: 'direct' }, 'account-refused'],
  ]
  for (const [fault, code] of downloads) {
    it(`calls a download that meets ${JSON.stringify(fault)} ${code}`, async () => {
      await using stand = await startStand()
      const file = only(await put(stand.host, ROOT, { 'a.txt': 'content' }))
      stand.emulator.fault(fault)
      assert.equal((await refusal(fetched(stand.host, file))).code, code)
      if (fault.kind !== 'expired-link') assert.equal(await fetched(stand.host, file), 'content')
    })
  }

  it('is honest about a node that ignores the range', async () => {
    await using stand = await startStand()
    const file = only(await put(stand.host, ROOT, { 'a.txt': 'content' }))
    const url = await stand.host.downloadToken(file.link, {}, {})
    stand.emulator.fault({ kind: 'ignore-range', at: 'direct' })
    const content = await stand.host.openDirect(url, { startByte: 3 }, {})
    assert.deepEqual([content.startByte, content.lengthBytes], [0, 7])
    assert.equal((await gathered(content.body)).toString(), 'content')
  })

  it('lets go of a service that does not answer, when its caller does', async () => {
    await using stand = await startStand()
    stand.emulator.fault({ kind: 'stall', at: 'folder/ls' })
    const gone = new AbortController()
    const call = stand.host.listFolder(ROOT, { signal: gone.signal })
    gone.abort()
    assert.equal((await refusal(call)).code, 'cancelled')
  })
})
