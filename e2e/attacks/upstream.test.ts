import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { openStandIn } from '../../packages/gateway/src/connections/stand-in.testing.ts'
import { call, startStand } from '../stand.ts'
import { ledgerOf } from './outside.ts'

const PLACES = [
  'https://evil.example/steal',
  'http://api.1fichier.com/v1/user/info.cgi',
  'https://api.1fichier.com.evil.example/',
  'https://api.1fichier.com@evil.example/',
  'https://up9.1fichier.com/upload.cgi?id=x',
  '//evil.example/',
  '/v1/user/info.cgi',
]

describe('somebody who answers in 1fichier’s place with a redirect', () => {
  it('is not followed, and gets the key nowhere (R3, K4)', async () => {
    const asked: { host: string; url: string; hasKey: boolean }[] = []
    let answered = 0
    await using standIn = await openStandIn(
      (request, response) => {
        const { host = '', authorization } = request.headers
        asked.push({ host, url: request.url ?? '', hasKey: authorization !== undefined })
        const status = [301, 302, 303, 307, 308][answered % 5] ?? 302
        const location = PLACES[answered % PLACES.length] ?? ''
        answered += 1
        response.writeHead(status, { location, 'content-type': 'application/json' })
        request.resume().on('end', () => response.end('{}'))
      },
      ['1fichier.com', '*.1fichier.com', 'evil.example', '*.evil.example'],
    )
    const directory = await mkdtemp(path.join(tmpdir(), 'guichet-redirects-'))
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
    await writeFile(path.join(directory, 'ca.pem'), standIn.caPem)
    await using stand = await startStand({
      timeScale: 100_000,
      env: {
        GUICHET_UPSTREAM_CONNECT: `${standIn.route.host}:${standIn.route.port}`,
        GUICHET_UPSTREAM_CA: path.join(directory, 'ca.pem'),
      },
    })
    const { key } = await stand.issue('all')
    const mark = ledgerOf(stand).length
    for (let round = 0; round < 20; round += 1) {
      for (const [endpoint, body] of [
        ['folder/mkdir', { name: `folder ${round}` }],
        ['user/info', {}],
        ['download/get_token', { url: 'https://1fichier.com/?abcde12345fghij67890' }],
      ] as const) {
        const { status } = await call(stand, key, endpoint, body)
        assert.ok(status >= 400, endpoint)
      }
    }
    assert.ok(asked.length >= PLACES.length * 2, `${asked.length} requests were redirected`)
    assert.deepEqual(
      [...new Set(asked.filter(({ hasKey }) => hasKey).map(({ host }) => host))],
      ['api.1fichier.com'],
    )
    assert.deepEqual(
      [...new Set(standIn.names)].filter((name) => name !== 'api.1fichier.com' && name !== '1fichier.com'),
      [],
      'no connection for another name',
    )
    assert.ok(
      asked.every(({ url }) => /^\/v1\/[a-z_/]+\.cgi$/.test(url)),
      'no redirect was followed',
    )
    assert.ok(ledgerOf(stand).length > mark, 'what led there is in the ledger')
  })
})
