import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { smuggledRequests } from '@guichet/testkit'
import { upstreamCalls } from '../clients.ts'
import { type Stand, startStand } from '../stand.ts'
import { deniedSince, ledgerOf, speak, statusesIn } from './outside.ts'

describe('somebody who plays with the wire', () => {
  let stand: Stand
  let headers: string
  let confined: string
  let outside: string
  before(async () => {
    stand = await startStand()
    await stand.emulator.account.putFile('/inside/mine.txt', Buffer.from('mine'))
    outside = (await stand.emulator.account.putFile('/outside/theirs.txt', Buffer.from('theirs'))).link
    const listed = await stand.guichet(['ls', '-R', '/'])
    assert.equal(listed.code, 0, listed.stderr)
    headers = headersOf((await stand.issue('all')).key)
    confined = headersOf((await stand.issue('all', ['--root', '/inside'])).key)
  })
  after(() => stand[Symbol.asyncDispose]())

  const headersOf = (key: string): string =>
    `Host: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`

  it('smuggles no request past the gateway (R4)', async () => {
    const inner = `POST /v1/folder/mkdir.cgi HTTP/1.1\r\n${headers}Content-Length: 19\r\n\r\n{"name":"smuggled"}`
    const calls = upstreamCalls(stand)
    const mark = ledgerOf(stand).length
    const corpus = smuggledRequests({ line: 'POST /v1/folder/ls.cgi', headers, inner })
    for (const { name, text } of corpus) {
      const statuses = statusesIn(await speak(stand.url, text))
      assert.ok(statuses.length <= 1 && statuses.every((status) => status >= 400), `${name}: ${statuses}`)
    }
    assert.equal(upstreamCalls(stand), calls, 'nothing went upstream')
    const lines = ledgerOf(stand).slice(mark)
    assert.deepEqual(
      lines.filter(({ verb }) => verb === 'mkdir'),
      [],
    )
    assert.ok(lines.some(({ decision, reason }) => decision === 'deny' && /more than one way/.test(reason)))
    assert.deepEqual(statusesIn(await speak(stand.url, inner, { answers: 1 })), [200], 'by itself it is good')
  })

  it('reaches nothing by a trick in a path (R4)', async () => {
    const calls = upstreamCalls(stand)
    for (const path of [
      '/v1/../api/v1/keys',
      '/v1/%2e%2e/api/v1/keys',
      '/v1/..%2fapi/v1/keys',
      '/v1/..%5capi/v1/keys',
      '/v1/%252e%252e/api/v1/keys',
      '/v1/.%00./api/v1/keys',
      '//api/v1/keys',
      '/api//v1/keys',
      '/API/v1/keys',
      '/api/v1/keys%00',
      '/api/v1/keys;x',
      '/api/v1%2fkeys',
      '/healthz/../api/v1/keys',
      '/api/v1/keys/../status',
    ]) {
      const answer = await speak(stand.url, `GET ${path} HTTP/1.1\r\n${headers}\r\n`, { answers: 1 })
      assert.ok([400, 403, 404].includes(statusesIn(answer)[0] ?? 0), `${path}: ${answer}`)
    }
    assert.equal(upstreamCalls(stand), calls)
  })

  it('leaves its folder by no spelling of a path, and every attempt is in the ledger (K6)', async () => {
    const id = outside.split('?')[1] ?? ''
    for (const at of [
      '/inside/../outside/theirs.txt',
      '/inside/%2e%2e/outside/theirs.txt',
      '/inside/..%2foutside/theirs.txt',
      '/inside//../outside/theirs.txt',
      '//outside/theirs.txt',
      '/outside/theirs.txt',
      'outside/theirs.txt',
      '/inside/mine.txt/../../outside/theirs.txt',
      '/inside/\0/../../outside/theirs.txt',
      '/INSIDE/../outside/theirs.txt',
      outside,
      `1fichier.com/?${id}&af=1`,
      `https://${id}.1fichier.com/`,
      id,
      '0',
      '-1',
      '../outside',
    ]) {
      for (const route of ['/api/v1/content', '/api/v1/children', '/api/v1/nodes']) {
        const target = `${route}?at=${encodeURIComponent(at)}`
        const answer = await speak(stand.url, `GET ${target} HTTP/1.1\r\n${confined}\r\n`, { answers: 1 })
        assert.ok([400, 403, 404].includes(statusesIn(answer)[0] ?? 0), `${target}: ${answer.slice(0, 300)}`)
        assert.ok(!answer.includes('theirs\r\n') && !/\r\n\r\ntheirs/.test(answer), target)
      }
    }
    const mark = ledgerOf(stand).length
    const target = `/api/v1/content?at=${encodeURIComponent(outside)}`
    await speak(stand.url, `GET ${target} HTTP/1.1\r\n${confined}\r\n`, { answers: 1 })
    assert.equal(deniedSince(stand, mark).length, 1)
  })

  it('gets at nothing outside by an id in place of a path, in 1fichier’s own calls (K6)', async () => {
    const url = outside
    const before = stand.emulator.account.files().length
    for (const [endpoint, body] of [
      ['download/get_token', { url }],
      ['file/info', { url }],
      ['file/rm', { files: [{ url }] }],
      ['file/mv', { urls: [url], destination_folder_id: 0 }],
      ['file/rename', { urls: [{ url, filename: 'stolen' }] }],
      ['folder/ls', { folder_id: 0, files: 1 }],
      ['folder/rm', { folder_id: 1 }],
    ] as const) {
      const text = JSON.stringify(body)
      const request = `POST /v1/${endpoint}.cgi HTTP/1.1\r\n${confined}Content-Length: ${text.length}\r\n\r\n${text}`
      const answer = await speak(stand.url, request, { answers: 1 })
      assert.doesNotMatch(answer, /theirs/, endpoint)
    }
    assert.equal(stand.emulator.account.files().length, before)
    assert.ok(stand.emulator.account.files().some(({ path }) => path === '/outside/theirs.txt'))
  })
})
