import { once } from 'node:events'
import { connect } from 'node:net'
import type { Search } from './leaks.ts'
import type { Ran, Stand } from './stand.ts'

/** Keys that hold every kind of character that an encoding would change; the second takes the place of the first for a while. */
export const CANARY: string = 'cAnary-1_first=7Kq2ZxW9vT4bN8mE5='.slice(0, 32)
export const SECOND: string = 'cAnary-2_other=3Hj6YsD1gL0fR5pU8='.slice(0, 32)

/** Everything that clients were told, in all doors. */
export class Told {
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
export async function mixedCalls(
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
export async function faults(stand: Stand, told: Told, key: string): Promise<void> {
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

/**
 * What the proxy says to those whom it does not let through, and to those who cannot go on.
 * `exposed` is what somebody takes for a virtual key.
 */
export async function proxyPages(stand: Stand, told: Told, key: string, exposed: string): Promise<void> {
  const basic = (secret: string): string =>
    `Proxy-Authorization: Basic ${Buffer.from(`any:${secret}`).toString('base64')}\r\n`
  const place = 'api.1fichier.com:443'
  const connects: readonly (readonly [target: string, headers: string, then?: string])[] = [
    [place, ''],
    [place, basic('gch_unknown')],
    [place, basic(exposed)],
    [place, `Proxy-Authorization: Bearer ${exposed}\r\n`],
    [place, `${basic(key)}${basic(key)}`],
    ['example.invalid:443', basic(key)],
    ['169.254.169.254:80', basic(key)],
    ['api.1fichier.com:80', basic(key)],
    ['up1.mesfichiers.org:443', basic(key)],
    [`any:${exposed}@api.1fichier.com:443`, basic(key)],
    // Where TLS would begin.
    [place, basic(key), 'GET / HTTP/1.1\r\nHost: api.1fichier.com\r\n\r\n'],
    [place, basic(key), '\x16\x03\x01\x00\x05nonsense'],
  ]
  for (const [target, headers, then] of connects)
    told.note(`CONNECT ${target}`, await say(stand, `CONNECT ${target} HTTP/1.1\r\n${headers}\r\n`, then))
  for (const url of [`http://any:${exposed}@api.1fichier.com/`, `http://example.com/?key=${exposed}`])
    told.note('an absolute request', await say(stand, `GET ${url} HTTP/1.1\r\nHost: example.com\r\n\r\n`))
  told.answers += connects.length + 2
}

/** Sends a text, and another one after the first answer; resolves with all that comes until nothing more does. */
async function say(stand: Stand, text: string, then?: string): Promise<Buffer> {
  const { hostname, port } = new URL(stand.url)
  const socket = connect(Number(port), hostname)
  const heard: Buffer[] = []
  socket.on('data', (bytes: Buffer) => {
    heard.push(bytes)
    if (heard.length === 1 && then !== undefined) socket.write(then)
    else if (heard.length === 1) socket.end()
  })
  socket.on('error', () => undefined)
  socket.setTimeout(2_000, () => socket.destroy())
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return Buffer.concat(heard)
}
