import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { searchFor } from './leaks.ts'
import { askOwner, call, type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

const CANARY = 'cAnary-1_first=7Kq2ZxW9vT4bN8mE5='.slice(0, 32)

/** Somebody on this machine who would like to be taken for 1fichier. */
interface Trap extends AsyncDisposable {
  readonly address: string
  readonly heard: Buffer[]
  readonly visitors: { count: number }
}

async function openTrap(): Promise<Trap> {
  const heard: Buffer[] = []
  const visitors = { count: 0 }
  const server = createServer((socket) => {
    visitors.count += 1
    socket.on('data', (bytes: Buffer) => heard.push(bytes))
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    visitors,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}

let stand: Stand
let trap: Trap
let key: string
const told: string[] = []
before(async () => {
  trap = await openTrap()
  stand = await startStand({ emulator: { apiKey: CANARY }, timeScale: 1_000, env: { GUICHET_LOG: 'debug' } })
  key = (await stand.issue('all')).key
})
after(async () => {
  await stand[Symbol.asyncDispose]()
  await trap[Symbol.asyncDispose]()
})

async function api(target: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(`${stand.url}/api/v1/${target}`, {
    ...init,
    headers: { authorization: `Bearer ${key}` },
  })
  told.push(JSON.stringify([...response.headers]), await response.text())
  return response.status
}

async function v1(endpoint: string, body: object): Promise<void> {
  told.push(JSON.stringify((await call(stand, key, endpoint, body)).json))
}

let uploads = 0
async function upload(): Promise<void> {
  uploads += 1
  assert.equal(
    await api(`content?at=/sent-${uploads}&wait=0`, { method: 'PUT', body: `content ${uploads}` }),
    202,
  )
}

/** What makes the gateway ask, by what it asks for. */
const CAUSES: Readonly<Record<string, () => Promise<unknown>>> = {
  'user/info': () => v1('user/info', { use_cdn: 0 }),
  'folder/ls': () => api('children?at=/&refresh=1'),
  'folder/mkdir': () => v1('folder/mkdir', { name: `folder ${told.length}` }),
  'upload/get_upload_server': upload,
  'upload.cgi': upload,
  'end.pl': upload,
}

/** Causes what meets the fault, and waits until it has been met. */
async function provoke(at: string): Promise<void> {
  const cause = CAUSES[at] ?? assert.fail(at)
  await cause()
  await until(`the fault of ${at}`, () => stand.emulator.faults().length === 0)
}

/** The key was seen where it may be, and nowhere else; nobody has spoken to the trap. */
function assertOnlyPermitted(what: string): void {
  const { keySightings } = stand.emulator.snapshot()
  const elsewhere = keySightings.filter(({ host, path, place, value }) => {
    const isCall = host === 'api.1fichier.com' && /^\/v1\/[a-z_/]+\.cgi$/.test(path)
    const isUpload = /^up\d+\.1fichier\.com$/.test(host) && path === '/upload.cgi'
    return place !== 'authorization' || value !== `Bearer ${CANARY}` || !(isCall || isUpload)
  })
  assert.deepEqual(elsewhere, [], what)
  assert.deepEqual([trap.visitors.count, Buffer.concat(trap.heard).toString()], [0, ''], what)
}

describe('the API key goes to 1fichier and the node that it named (K4)', () => {
  it('and along no redirect, whoever sends it and wherever it leads (K4)', async () => {
    const places = [
      `http://${trap.address}/v1/user/info.cgi`,
      `https://${trap.address}/upload.cgi?id=abc`,
      'http://api.1fichier.com/v1/user/info.cgi',
      'https://evil.example.com/v1/user/info.cgi',
      'https://up99.1fichier.com/upload.cgi?id=abc',
      '//evil.example.com/',
    ]
    let turn = 0
    for (const at of Object.keys(CAUSES)) {
      for (const status of [301, 302, 303, 307, 308]) {
        // An upload is answered with a 302 when all is well: the report is asked for by its id, wherever it leads.
        const location = places[turn % places.length] ?? ''
        turn += 1
        stand.emulator.fault({ at, kind: 'redirect', status, location })
        await provoke(at)
        assertOnlyPermitted(`${at} answered ${status} to ${location}`)
      }
    }
  })

  it('and to no name that an answer forges (K4)', async () => {
    for (const url of [
      'evil.example.com',
      trap.address,
      'api.1fichier.com',
      '1fichier.com',
      'up1.1fichier.com@evil.example.com',
      'up1.1fichier.com.evil.example.com',
      'evil.example.com/up1.1fichier.com',
      `up1.1fichier.com:${trap.address.split(':')[1]}`,
      'UP1.1FICHIER.COM\r\nHost: evil.example.com',
      '',
    ]) {
      const body = JSON.stringify({ url, id: 'abcdefghij' })
      stand.emulator.fault({ at: 'upload/get_upload_server', kind: 'forged', body })
      await provoke('upload/get_upload_server')
      assertOnlyPermitted(`the node ${JSON.stringify(url)}`)
    }
  })

  it('and comes back to nobody in an answer that repeats it (K3, K4)', async () => {
    for (const at of ['user/info', 'folder/ls', 'folder/mkdir', 'upload/get_upload_server', 'upload.cgi']) {
      stand.emulator.fault({ at, kind: 'echo' })
      await provoke(at)
    }
    assertOnlyPermitted('an echo')
    const search = searchFor(CANARY)
    search.bytes('what clients were told', told.join('\n'))
    search.bytes('the log', stand.output.join('\n'))
    search.bytes('the transfers', await askOwner(stand, 'GET', '/transfers'))
    await search.directory(stand.home)
    assert.deepEqual(search.leaks, [])
    assert.match(stand.output.join('\n'), /key/, 'the log says that an answer was withheld')
  })
})
