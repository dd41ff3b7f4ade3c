import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFileLink, ROOT } from '@guichet/core'
import { failureOf, hostThatGets, unaskedHost } from './answering.testing.ts'

const LOCK = { status: 'KO', message: 'Flood detected: IP Locked #374' }
const FORM = '<form method="post"><input type="password" name="pass"></form>'

describe('a public folder', () => {
  it('is read without the key, as a list or as an object with indexes', async () => {
    const item = { link: 'https://1fichier.com/?abcde', filename: 'a;b', size: '12', password: '1', acl: 0 }
    const file = { link: item.link, name: 'a;b', sizeBytes: 12, hasPassword: true, isRestricted: false }
    for (const body of [[item], { 0: item }]) {
      const { host, seen } = hostThatGets({ body })
      assert.deepEqual(await host.publicFolder('abDEf123', {}, {}), [file])
      assert.equal(seen[0]?.via, 'open')
    }
    for (const body of [[], {}])
      assert.deepEqual(await hostThatGets({ body }).host.publicFolder('abDEf123', {}, {}), [])
  })

  const failures: readonly (readonly [string, WrittenCase])[] = [
    ['a missing password', { body: FORM, code: 'file-refused', why: 'password-missing' }],
    ['a wrong password', { body: FORM, pass: 'secret', code: 'file-refused', why: 'password-wrong' }],
    ['a folder that is gone', { status: 404, body: '<html>Not Found</html>', code: 'not-found' }],
    ['a lock', { status: 403, body: '<html>IP Locked</html>', code: 'locked' }],
    ['a lock in JSON', { status: 403, body: LOCK, code: 'locked' }],
    ['a lock in JSON with 200', { body: LOCK, code: 'locked' }],
    ['an outage', { status: 502, body: '<html>Bad Gateway</html>', code: 'upstream-down' }],
    ['something else', { body: 12, code: 'upstream-changed' }],
    ['a list of something else', { body: ['x'], code: 'upstream-changed' }],
  ]
  for (const [what, { status = 200, body, pass, code, why }] of failures) {
    it(`that meets ${what} is ${code}`, async () => {
      const { host } = hostThatGets({ status, body })
      const failure = await failureOf(host.publicFolder('abDEf123', pass === undefined ? {} : { pass }, {}))
      assert.equal(failure.code, code)
      assert.equal(failure.facts['why'], why)
    })
  }

  it('is not asked for under an id that is none', async () => {
    for (const id of ['', 'a/b', '../..', 'x'.repeat(21), 'ab?c=1']) {
      assert.equal((await failureOf(unaskedHost().publicFolder(id, {}, {}))).code, 'invalid')
    }
  })
})

interface WrittenCase {
  readonly status?: number
  readonly body: unknown
  readonly pass?: string
  readonly code: string
  readonly why?: string
}

describe('the check of links', () => {
  const A = parseFileLink('https://1fichier.com/?aaaaa11111')
  const B = parseFileLink('https://alterupload.com/?bbbbb22222')
  const PLAIN = { 'content-type': 'text/plain' }

  it('answers in the order asked, whatever the names', async () => {
    const body =
      'https://alterupload.com/?bbbbb22222;a;b;;c;12\r\nhttps://1fichier.com/?aaaaa11111;;;private\r\n'
    const { host } = hostThatGets({ headers: PLAIN, body })
    assert.deepEqual(await host.checkLinks([A, B], {}), [
      { id: 'aaaaa11111', state: 'private', name: undefined, sizeBytes: undefined },
      { id: 'bbbbb22222', state: 'found', name: 'a;b;;c', sizeBytes: 12 },
    ])
  })

  it('tells links of one id and two domains apart', async () => {
    const other = parseFileLink('https://alterupload.com/?aaaaa11111')
    const body = 'https://alterupload.com/?aaaaa11111;;;NOT FOUND\nhttps://1fichier.com/?aaaaa11111;a;12\n'
    const { host } = hostThatGets({ headers: PLAIN, body })
    const states = await host.checkLinks([A, other], {})
    assert.deepEqual(
      states.map(({ state }) => state),
      ['found', 'not-found'],
    )
  })

  it('is understood when it is labelled as a page', async () => {
    const body = 'https://1fichier.com/?aaaaa11111;<b>.txt;12\n'
    const { host } = hostThatGets({ headers: { 'content-type': 'text/html' }, body })
    assert.equal((await host.checkLinks([A], {}))[0]?.name, '<b>.txt')
  })

  const failures = [
    ['no word about a link', 200, 'https://1fichier.com/?aaaaa11111;a;12\n', 'upstream-changed'],
    ['an unknown word', 200, 'https://1fichier.com/?aaaaa11111;;;ASLEEP\n', 'upstream-changed'],
    ['a lock', 200, 'IP Locked', 'locked'],
    ['a lock in JSON', 403, JSON.stringify(LOCK), 'locked'],
    ['nothing', 200, '', 'upstream-down'],
    ['an outage', 503, '', 'upstream-down'],
  ] as const
  for (const [what, status, body, code] of failures) {
    it(`that meets ${what} is ${code}`, async () => {
      const { host } = hostThatGets({ status, headers: PLAIN, body })
      assert.equal((await failureOf(host.checkLinks([A, B], {}))).code, code)
    })
  }

  it('takes no more links at a time than 1fichier does', async () => {
    const many = Array.from({ length: 101 }, () => A)
    assert.equal((await failureOf(unaskedHost().checkLinks(many, {}))).code, 'invalid')
  })
})

describe('a remote upload', () => {
  it('tells what became of each address', async () => {
    const result = [
      { status: 'OK', url: 'https://example.com/a', download_link: 'https://1fichier.com/?abcde' },
      { status: 'KO', url: 'https://example.com/b', download_link: '', message: 'Timeout' },
    ]
    const body = { id: '5', request_date: '2026-01-15 10:00:00', execution_date: '', links: [], result }
    const details = await hostThatGets({ body }).host.remote.info(5, {})
    assert.equal(details.id, 5)
    assert.equal(details.executedMs, undefined)
    assert.deepEqual(details.results, [
      { url: 'https://example.com/a', link: 'https://1fichier.com/?abcde', problem: undefined },
      { url: 'https://example.com/b', link: undefined, problem: 'Timeout' },
    ])
  })

  it('sends no header that would be two', async () => {
    const host = unaskedHost()
    const url = new URL('https://example.com/a')
    const calls = [
      host.remote.start([], ROOT, {}, {}),
      host.remote.start([url], ROOT, { 'X Y': '1' }, {}),
      host.remote.start([url], ROOT, { Cookie: 'a\r\nHost: b' }, {}),
    ]
    for (const call of calls) assert.equal((await failureOf(call)).code, 'invalid')
  })
})

describe('the users of FTP', () => {
  it('are found in whatever list the answer has', async () => {
    for (const body of [
      { status: 'OK', data: [{ user: 'a' }] },
      { users: ['a'] },
      { items: [{ user: 'a' }], count: 1 },
    ]) {
      assert.deepEqual(await hostThatGets({ body }).host.ftp.list({}), [{ user: 'a' }])
    }
    assert.deepEqual(await hostThatGets({ body: { status: 'OK' } }).host.ftp.list({}), [])
  })
})
