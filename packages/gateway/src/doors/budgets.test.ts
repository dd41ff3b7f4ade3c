import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ENDPOINTS,
  type FileEntry,
  type FolderId,
  GatewayError,
  type Measure,
  parseBudgets,
  ROOT,
  VERBS,
} from '@guichet/core'
import { type Answer, type Ask, type Counter, openCounter } from './counter.testing.ts'

const AT_ONCE = 200
const json = { 'content-type': 'application/json' }

interface Place {
  readonly folder: FolderId
  readonly files: readonly FileEntry[]
}

/** `/inside` with files of 1,000 bytes, known to the gateway. */
async function plant(counter: Counter, count: number): Promise<Place> {
  const folder = await counter.account.makeFolder('inside', ROOT, {})
  const content = (index: number): Buffer => Buffer.alloc(1_000, index % 256)
  const files = Array.from({ length: count }, (_, index) =>
    counter.account.plant(folder, `file-${index}`, content(index), 1e12),
  )
  const { text } = await counter.key({ verbs: ['list'] })
  for (const id of [ROOT, folder]) await counter.native(text, 'folder/ls', { folder_id: id })
  counter.calls()
  return { folder, files }
}

async function keyWith(counter: Counter, ...budgets: readonly string[]): Promise<string> {
  return (await counter.key({ verbs: VERBS, limits: { budgets: parseBudgets(budgets) } })).text
}

async function spent(counter: Counter, name: string): Promise<Readonly<Record<string, number>>> {
  const { json: list } = await counter.api(undefined, 'GET', '/keys')
  const [found] = (list['keys'] as { id: string; name: string }[]).filter((key) => key.name === name)
  const { json: key } = await counter.api(undefined, 'GET', `/keys/${found?.id}`)
  const spends = key['spends'] as { budget: { measure: Measure }; used: number }[]
  return Object.fromEntries(spends.map(({ budget, used }) => [budget.measure, used]))
}

const url = ({ link }: FileEntry): string => `https://1fichier.com/?${link.id}`
const statuses = (answers: readonly Answer[]): Readonly<Record<number, number>> => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe(`${AT_ONCE} requests at once`, () => {
  it('never pass a budget of calls (K10)', async () => {
    await using counter = await openCounter()
    await plant(counter, 0)
    const key = await keyWith(counter, 'calls=50/day')
    const asks = Array.from({ length: AT_ONCE }, () => counter.native(key, 'folder/ls', { folder_id: 0 }))
    assert.deepEqual(statuses(await Promise.all(asks)), { 200: 50, 429: 150 })
  })

  it('never pass a budget of deletes (K10)', async () => {
    await using counter = await openCounter()
    const { folder, files } = await plant(counter, AT_ONCE)
    const key = await keyWith(counter, 'deletes=30/day')
    const asks = files.map((file) => counter.native(key, 'file/rm', { files: [{ url: url(file) }] }))
    assert.deepEqual(statuses(await Promise.all(asks)), { 200: 30, 429: 170 })
    assert.equal(counter.account.filesIn(folder).length, 170)
  })

  it('never pass a budget of bytes down, which is used to its end (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, AT_ONCE)
    const key = await keyWith(counter, 'down=37500/day')
    const answers = await Promise.all(
      files.map((file) => counter.ask({ path: `/api/v1/content?at=/inside/${file.name}`, key })),
    )
    assert.deepEqual(statuses(answers), { 200: 37, 429: 163 })
    assert.equal(counter.calls().filter((name) => name === 'openDirect').length, 37)
    const part = { path: '/api/v1/content?at=/inside/file-0', key, headers: { range: 'bytes=0-499' } }
    assert.deepEqual([(await counter.ask(part)).status, (await counter.ask(part)).status], [206, 429])
  })

  it('never pass a budget of bytes up, whether their number is announced or not (K10)', async () => {
    await using counter = await openCounter()
    await plant(counter, 0)
    const key = await keyWith(counter, 'up=20KB/day')
    const body = Buffer.alloc(1_000, 1)
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        index % 2 === 0
          ? counter.ask({ method: 'PUT', path: `/api/v1/content?at=/inside/n-${index}&wait=0`, key, body })
          : upload(counter, key, `n-${index}`, body, `u${index}`),
      ),
    )
    const counts = statuses(answers)
    assert.equal((counts[202] ?? 0) + (counts[302] ?? 0), 20)
    assert.equal(counts[429], AT_ONCE - 20)
  })

  it('never pass a budget of direct links (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, 2)
    const key = await keyWith(counter, 'tokens=11/hour')
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        index % 2 === 0
          ? counter.native(key, 'download/get_token', { url: url(files[0] as FileEntry) })
          : counter.api(key, 'POST', '/direct', { at: '/inside/file-1' }),
      ),
    )
    assert.deepEqual(statuses(answers), { 200: 11, 429: 189 })
  })

  it('are answered so many at a time as a budget allows, and all of them one after the other (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, 10)
    const key = await keyWith(counter, 'concurrent=5')
    const gate = Promise.withResolvers<void>()
    let waiting = 0
    const held = async (go: () => Promise<unknown>): Promise<unknown> => {
      waiting += 1
      await gate.promise
      return go()
    }
    counter.fail('removeFiles', ...files.map(() => held))
    const asks = files.map((file) => counter.native(key, 'file/rm', { files: [{ url: url(file) }] }))
    const refused = await Promise.race(asks)
    assert.equal(refused.status, 429)
    assert.equal(refused.headers['retry-after'], '1')
    let answered = 0
    for (const ask of asks) void ask.then(() => (answered += 1))
    while (waiting + answered < 10) await counter.clock.settle()
    assert.equal(waiting, 5)
    gate.resolve()
    assert.deepEqual(statuses(await Promise.all(asks)), { 200: 5, 429: 5 })
    for (let calls = 0; calls < 10; calls += 1)
      assert.equal((await counter.native(key, 'folder/ls', {})).status, 200)
  })
})

describe('a refusal', () => {
  it('says in the words of each door which budget, how much is left and when it opens (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, 3)
    const key = await keyWith(counter, 'deletes=2/day')
    const urls = files.map((file) => ({ url: url(file) }))
    const native = await counter.native(key, 'file/rm', { files: urls })
    assert.equal(native.status, 429)
    assert.equal(native.json['status'], 'KO')
    const message = String(native.json['message'])
    assert.match(message, /has the budget deletes=2\/day; 2 are left, and this takes 3 .*never fits.* #186$/)
    await counter.native(key, 'file/rm', { files: urls.slice(0, 1) })

    const api = await counter.api(key, 'POST', '/remove', { at: ['/inside/file-1', '/inside/file-2'] })
    assert.equal(api.status, 429)
    assert.equal(api.json['code'], 'over-budget')
    assert.match(String(api.json['hint']), /opens again 2026-06-02T00:00:00Z/)
    // 12 hours to midnight in UTC, less what the clock of the test has moved.
    assert.ok(Math.abs(Number(api.headers['retry-after']) - 12 * 3_600) < 600, api.headers['retry-after'])
    assert.equal(counter.account.files.size, 2)

    const rclone = { ...json, 'user-agent': 'rclone/v1.60.1' }
    const body = JSON.stringify({ files: urls.slice(1) })
    const told = await counter.ask({ method: 'POST', path: '/v1/file/rm.cgi', key, headers: rclone, body })
    assert.equal(told.status, 400, 'rclone asks ten times again after a 429')
  })
})

/** Every route of every door, and what it takes from budgets besides a call. A new route needs a row here. */
const ACCOUNTS: Readonly<Record<string, readonly Measure[]>> = {
  ...Object.fromEntries(ENDPOINTS.map((endpoint) => [`POST /v1/${endpoint}.cgi`, []])),
  'POST /v1/file/rm.cgi': ['deletes'],
  'POST /v1/file/scan.cgi': ['deletes'],
  'POST /v1/folder/rm.cgi': ['deletes'],
  'POST /v1/download/get_token.cgi': ['tokens'],
  'POST /upload.cgi': ['up'],
  'GET /end.pl': [],
  'GET /dir/abc': [],
  'POST /check_links.pl': [],
  'GET /p:ticket': ['down'],
  'GET /t/:ticket': ['down'],
  'GET /content': ['down'],
  'HEAD /content': [],
  'PUT /content': ['up'],
  'GET /nodes': [],
  'GET /children': [],
  'POST /folders': [],
  'POST /move': [],
  'POST /copy': [],
  'POST /remove': ['deletes'],
  'POST /share': [],
  'GET /attributes': [],
  'POST /attributes': [],
  'POST /scan': ['deletes'],
  'POST /direct': ['tokens', 'down'],
  'POST /tickets': ['tokens'],
  'POST /explain': [],
  'POST /leaked-keys': [],
  'GET /ledger': [],
  'GET /ledger/checkpoint': [],
  'GET /account': [],
  'POST /remote': [],
  'GET /remote': [],
  'GET /remote/:id': [],
  'GET /status': [],
  'GET /transfers': [],
  'GET /transfers/:id': [],
  'GET /keys': [],
  'GET /keys/:id': [],
  'DELETE /keys/:id': [],
  'POST /keys': [],
  'POST /keys/:id/rotate': [],
  'POST /keys/:id/limits': [],
  'GET /approvals': [],
  'GET /approvals/:id': [],
  'POST /approvals/:id': [],
  'GET /trash': [],
  'POST /trash/restore': [],
  'POST /trash/empty': [],
  'POST /resume': [],
  'POST /notes': [],
  'POST /seal': [],
  'POST /panic': [],
}

describe('every route of every door', () => {
  it('has an account of what it takes from budgets (K10)', async () => {
    await using counter = await openCounter()
    const key = await keyWith(counter)
    const { json: none } = await counter.api(key, 'GET', '/no-such-route')
    const [, list = ''] = /^routes: (.*)$/.exec(String(none['hint'])) ?? []
    const routes = list.split(', ').filter((route) => route !== 'GET|PUT /content')
    assert.ok(routes.length > 20, list)
    assert.deepEqual(
      routes.filter((route) => ACCOUNTS[route] === undefined),
      [],
      'routes without an account: say in ACCOUNTS what they take',
    )
  })

  it('is closed to a key whose calls are used up (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, 1)
    const key = await keyWith(counter, 'calls=2/day')
    const { json: token } = await counter.native(key, 'download/get_token', {
      url: url(files[0] as FileEntry),
    })
    const ticket = new URL(String(token['url'])).pathname
    const { json: lasting } = await counter.api(key, 'POST', '/tickets', {
      at: '/inside/file-0',
      forMs: 60_000,
    })
    const paths = { '/p:ticket': ticket, '/t/:ticket': String(lasting['path']) }
    counter.calls()
    for (const route of Object.keys(ACCOUNTS)) {
      const answer = await counter.ask({
        ...requestOf(route, paths),
        key: route.includes(':ticket') ? undefined : key,
      })
      assert.equal(answer.status, 429, `${route}: ${answer.text}`)
      if (!route.startsWith('HEAD')) assert.match(answer.text, /calls=2\/day/, route)
    }
    assert.deepEqual(counter.calls(), [])
  })

  it('that takes more than a call is closed when that is used up, before anything is sent (K10)', async () => {
    await using counter = await openCounter()
    const { folder } = await plant(counter, 1)
    await counter.account.makeFolder('empty', folder, {})
    const { text: lister } = await counter.key({ verbs: VERBS })
    const { json: children } = await counter.api(lister, 'GET', '/children?at=/inside&refresh=1')
    const [empty] = children['folders'] as { id: number }[]
    await counter.api(lister, 'GET', '/children?at=/inside/empty')
    const [file] = counter.account.filesIn(folder)
    const link = url(file?.entry as FileEntry)
    const bodies: Readonly<Record<string, unknown>> = {
      'POST /v1/file/rm.cgi': { files: [{ url: link }] },
      'POST /v1/file/scan.cgi': { url: link },
      'POST /v1/folder/rm.cgi': { folder_id: empty?.id },
      'POST /v1/download/get_token.cgi': { url: link },
      'POST /remove': { at: ['/inside/file-0'] },
      'POST /scan': { at: '/inside/file-0' },
      'POST /direct': { at: '/inside/file-0' },
      'POST /tickets': { at: '/inside/file-0', forMs: 60_000 },
    }
    counter.calls()
    for (const [route, measures] of Object.entries(ACCOUNTS)) {
      for (const measure of measures) {
        const key = await keyWith(counter, `${measure}=0/day`)
        let ask = requestOf(route, {})
        if (route.includes(':ticket')) {
          const { json: token } = await counter.native(key, 'download/get_token', { url: link })
          const wish = { at: '/inside/file-0', forMs: 60_000 }
          const { json: lasting } = await counter.api(key, 'POST', '/tickets', wish)
          const isOurs = route.includes('/t/')
          ask = { path: isOurs ? String(lasting['path']) : new URL(String(token['url'])).pathname }
        }
        const body = bodies[route]
        const answer =
          route === 'POST /upload.cgi'
            ? await upload(counter, key, 'new', Buffer.from('content'), 'abc')
            : await counter.ask({
                ...ask,
                key: route.includes(':ticket') ? undefined : key,
                ...(body !== undefined && { body: JSON.stringify(body) }),
              })
        assert.equal(answer.status, 429, `${route} ${measure}: ${answer.text}`)
        assert.match(answer.text, new RegExp(`${measure}=0/day`), route)
      }
    }
    assert.deepEqual(counter.calls(), [])
    assert.deepEqual(await counter.spooled(), [])
  })
})

describe('what is settled', () => {
  it('is what was really sent: a download that is cut gives back the rest (K10)', async () => {
    await using counter = await openCounter()
    const { folder } = await plant(counter, 0)
    counter.account.plant(folder, 'large', Buffer.alloc(3_000_000, 1), 1e12)
    const { text: lister } = await counter.key({ verbs: ['list'] })
    await counter.api(lister, 'GET', '/children?at=/inside&refresh=1')
    const { text: key } = await counter.key({
      name: 'cut',
      verbs: VERBS,
      limits: { budgets: parseBudgets(['down=4MB/day']) },
    })
    counter.fail('openDirect', async (go) => {
      const content = (await go()) as { body: AsyncIterable<Uint8Array> }
      async function* body(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(1_000, 1)
        throw new TypeError('a fault of the test')
      }
      return { ...content, body: body() }
    })
    const cut = await counter.ask({ path: '/api/v1/content?at=/inside/large', key }).catch(() => undefined)
    assert.equal(cut?.status ?? 'cut', cut === undefined ? 'cut' : 500)
    assert.ok(((await spent(counter, 'cut'))['down'] ?? -1) <= 1_000)
    assert.equal((await counter.ask({ path: '/api/v1/content?at=/inside/large', key })).status, 200)
    assert.ok(((await spent(counter, 'cut'))['down'] ?? 0) >= 3_000_000)
  })

  it('are deletions that may have happened: one whose answer was lost counts, one that was not sent does not (K10)', async () => {
    await using counter = await openCounter()
    const { files } = await plant(counter, 3)
    const { text: key } = await counter.key({
      name: 'lost',
      verbs: VERBS,
      limits: { budgets: parseBudgets(['deletes=2/day']) },
    })
    const remove = (file: FileEntry | undefined): Promise<Answer> =>
      counter.native(key, 'file/rm', { files: [{ url: url(file as FileEntry) }] })
    counter.fail('removeFiles', () => {
      throw new GatewayError('locked', 'Flood detected', { facts: { sent: false } })
    })
    assert.equal((await remove(files[0])).status, 429)
    assert.deepEqual(await spent(counter, 'lost'), { deletes: 0 })
    counter.fail('removeFiles', () => {
      throw new GatewayError('upstream-down', 'the answer was lost')
    })
    assert.equal((await remove(files[0])).status, 502)
    assert.deepEqual(await spent(counter, 'lost'), { deletes: 1 })
    assert.equal((await remove(files[1])).status, 200)
    assert.match((await remove(files[2])).text, /0 are left/)
  })
})

describe('ways past a budget', () => {
  it('are closed: FTP users and remote uploads, whose bytes nobody counts (K10)', async () => {
    await using counter = await openCounter()
    await plant(counter, 0)
    const user = { user: 'name', pass: 'password' }
    for (const budget of ['up=1GB/day', 'down=1GB/day', 'deletes=1/day']) {
      const answer = await counter.native(await keyWith(counter, budget), 'ftp/users/add', user)
      assert.equal(answer.status, 403, answer.text)
    }
    const remote = { urls: ['https://example.com/file'] }
    assert.equal(
      (await counter.native(await keyWith(counter, 'up=1GB/day'), 'remote/request', remote)).status,
      403,
    )
    assert.deepEqual(counter.calls(), [])
    assert.equal(
      (await counter.native(await keyWith(counter, 'calls=5/day'), 'remote/request', remote)).status,
      200,
    )
    assert.equal(
      (await counter.native(await keyWith(counter, 'calls=5/day'), 'ftp/users/add', user)).status,
      200,
    )
  })

  it('are closed to the owner as well, who has budgets of the configuration (K10)', async () => {
    await using counter = await openCounter({
      ownerBudgets: parseBudgets(['deletes=1/day', 'down=1000/day']),
    })
    await plant(counter, 2)
    const both = { at: ['/inside/file-0', '/inside/file-1'] }
    assert.equal((await counter.api(undefined, 'POST', '/remove', both)).status, 429)
    const get: Ask = { path: '/api/v1/content?at=/inside/file-0', local: true }
    assert.deepEqual([(await counter.ask(get)).status, (await counter.ask(get)).status], [200, 429])
  })
})

function requestOf(route: string, tickets: Readonly<Record<string, string>>): Ask {
  const [method = '', where = ''] = route.split(' ')
  if (where.includes(':ticket')) return { method, path: tickets[where] ?? '' }
  if (/^\/(v1\/|upload\.cgi|end\.pl|dir\/|check_links)/.test(where)) {
    const query = where === '/upload.cgi' ? '?id=abc' : where === '/end.pl' ? '?xid=abc' : ''
    return { method, path: `${where}${query}`, headers: json, body: method === 'POST' ? '{}' : undefined }
  }
  const at = where === '/content' && method === 'PUT' ? '/inside/new' : '/inside/file-0'
  const path = `/api/v1${where.replace(':id', 'k-aaaaaaaa')}?at=${at}`
  const body = method === 'POST' ? '{}' : method === 'PUT' ? 'content' : undefined
  return { method, path, headers: method === 'POST' ? json : {}, body }
}

function upload(counter: Counter, key: string, name: string, content: Buffer, id: string): Promise<Answer> {
  const head = `--b\r\nContent-Disposition: form-data; name="file[]"; filename="${name}"\r\n\r\n`
  return counter.ask({
    method: 'POST',
    path: `/upload.cgi?id=${id}`,
    key,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: Buffer.concat([Buffer.from(head), content, Buffer.from('\r\n--b--\r\n')]),
  })
}
