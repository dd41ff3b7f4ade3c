import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type FileHost, GatewayError, parseFileLink, parseFolderId, ROOT } from '@guichet/core'
import { chunks, hostThatGets, readAll } from './answering.testing.ts'
import { parseFrenchTime } from './french-time.ts'

/** `wire/README.md` describes the form. */
interface Written {
  readonly source: string
  readonly endpoint: string
  readonly means: string
  readonly client?: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly reply: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

const FOLDER = new URL('../../../wire/exchanges/', import.meta.url)
const BOUNDARY = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab'

describe('the recorded exchanges', () => {
  for (const file of readdirSync(FOLDER).sort()) {
    const written = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Written
    it(`${file}: ${written.endpoint} means ${written.means}`, () => check(written))
  }
})

async function check(written: Written): Promise<void> {
  const { host, seen } = hostThatGets(written.reply, BOUNDARY)
  const call = CALLS[written.endpoint]
  assert.ok(call !== undefined, `no call is known for ${written.endpoint}`)
  let outcome: string
  try {
    const result = await call(host, written)
    outcome = isPending(result) ? 'pending' : 'success'
  } catch (failure) {
    assert.ok(failure instanceof GatewayError, String(failure))
    assert.ok(failure.hint !== undefined && failure.message !== '', 'a refusal says what to do next')
    outcome = failure.code
  }
  assert.equal(outcome, written.means)

  // What another client sent is not what we send; everything else must be.
  if (written.client !== undefined) return
  const [request] = seen
  assert.ok(request !== undefined)
  const { host: name, ...headers } = written.request.headers
  assert.equal(request.method, written.request.method)
  assert.equal(request.url, `https://${name}${written.request.path}`)
  assert.equal(request.via, 'authorization' in headers ? 'keyed' : 'open')
  for (const [header, value] of Object.entries(headers)) {
    if (header !== 'authorization') assert.equal(request.headers[header], value, header)
  }
  const isJson = headers['content-type'] === 'application/json'
  assert.deepEqual(isJson ? JSON.parse(request.body) : request.body, written.request.body ?? '')
}

function isPending(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'kind' in result && result.kind === 'pending'
}

type Body = Readonly<Record<string, unknown>>

/** How each recorded request is made with the client. */
const CALLS: Readonly<Record<string, (host: FileHost, written: Written) => Promise<unknown>>> = {
  'file/ls': async (host, written) => {
    const { folder_id: folder, sent_after: after, sent_before: before } = bodyOf(written)
    const sentAfterMs = parseFrenchTime(String(after ?? ''))
    const sentBeforeMs = parseFrenchTime(String(before ?? ''))
    const files = await host.listFiles(
      folder === -1 ? 'all' : parseFolderId(folder),
      {
        ...(sentAfterMs === undefined ? {} : { sentAfterMs }),
        ...(sentBeforeMs === undefined ? {} : { sentBeforeMs }),
      },
      {},
    )
    const items = (written.reply.body as Body)['items']
    assert.equal(files.length, Array.isArray(items) ? items.length : 0)
  },
  'file/info': (host, written) => host.fileInfo(linkOf(written), passOf(written), {}),
  'file/scan': (host, written) => host.scanFile(linkOf(written), {}),
  'file/rm': (host, written) =>
    host.removeFiles(
      (bodyOf(written)['files'] as { url: string }[]).map(({ url }) => parseFileLink(url)),
      {},
    ),
  'file/mv': (host, written) => {
    const body = bodyOf(written)
    return host.moveFiles(
      linksOf(written),
      parseFolderId(body['destination_folder_id']),
      textIn(body, 'rename'),
      {},
    )
  },
  'file/rename': (host, written) => {
    const urls = bodyOf(written)['urls'] as { url: string; filename: string }[]
    return host.renameFiles(
      urls.map(({ url, filename }) => ({ link: parseFileLink(url), name: filename })),
      {},
    )
  },
  'file/cp': (host, written) => {
    const body = bodyOf(written)
    const rename = textIn(body, 'rename')
    // A name that the client refuses by itself never reaches 1fichier: what counts here is the answer.
    const options = written.client === undefined ? { rename } : {}
    return host.copyFiles(linksOf(written), parseFolderId(body['folder_id']), options, {})
  },
  'file/chattr': (host, written) => host.changeFiles(linksOf(written), { inline: true }, {}),
  'folder/ls': (host, written) => host.listFolder(parseFolderId(bodyOf(written)['folder_id']), {}),
  'folder/mkdir': async (host, written) => {
    const body = bodyOf(written)
    assert.equal(await host.makeFolder(String(body['name']), parseFolderId(body['folder_id']), {}), 123)
  },
  'folder/mv': (host, written) => {
    const body = bodyOf(written)
    const folder = parseFolderId(body['folder_id'])
    const to = body['destination_folder_id']
    return to === undefined
      ? host.renameFolder(folder, String(body['rename']), undefined, {})
      : host.moveFolder(folder, parseFolderId(to), {})
  },
  'folder/rm': (host, written) => host.removeFolder(parseFolderId(bodyOf(written)['folder_id']), {}),
  'folder/share': async (host, written) => {
    const { folder_id: folder, share } = bodyOf(written)
    const users = [{ email: 'user@example.com', mayWrite: false, hideLinks: true }]
    const address = await host.shareFolder(
      parseFolderId(folder),
      share === 1 ? { public: true } : { users },
      {},
    )
    assert.equal(address, (written.reply.body as Body)['url'])
  },
  'upload/get_upload_server': async (host) => {
    assert.deepEqual(await host.uploadTarget({}), { node: 'up2.1fichier.com', id: 'ExampleTok' })
  },
  'upload.cgi': async (host, written) => {
    const content = 'Hello world\n'
    const file = { name: 'test.txt', sizeBytes: content.length, open: () => chunks(content) }
    const target = { node: String(written.request.headers['host']), id: 'AbCdEfGhIj' }
    const receipt = await host.upload(target, parseFolderId(3361075), [file], {})
    assert.equal(`/end.pl?xid=${receipt.xid}`, written.reply.headers['location'])
    assert.equal(receipt.node, target.node)
  },
  'end.pl': (host, written) =>
    host.uploadReport({ node: String(written.request.headers['host']), xid: 'AbCdEfGhIj' }, {}),
  'download/get_token': async (host, written) => {
    const options = { ...passOf(written), inline: bodyOf(written)['inline'] === 1 }
    const url = await host.downloadToken(linkOf(written), options, {})
    assert.equal(url.href, (written.reply.body as Body)['url'])
  },
  direct: async (host, written) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(written.request.headers['range'] ?? '')
    const endByte = range?.[2] ? Number(range[2]) : undefined
    const content = await host.openDirect(
      new URL(written.request.path, `https://${written.request.headers['host']}`),
      range === null ? undefined : { startByte: Number(range[1]), endByte },
      {},
    )
    assert.equal(await readAll(content.body), written.reply.body)
    assert.equal(content.startByte, written.reply.status === 206 ? Number(range?.[1]) : 0)
    assert.equal(content.sizeBytes, 12)
  },
  'user/info': (host, written) => {
    const body = bodyOf(written)
    return Object.keys(body).length === 0
      ? host.account({})
      : host.changeAccount(body as Readonly<Record<string, number>>, {})
  },
  'remote/request': async (host, written) => {
    const body = bodyOf(written)
    const urls = (body['urls'] as string[]).map((url) => new URL(url))
    assert.equal(await host.remote.start(urls, ROOT, body['headers'] as Record<string, string>, {}), 123)
  },
  'remote/ls': async (host) => {
    const ends = (await host.remote.list({})).map((upload) => upload.executedMs)
    assert.deepEqual(ends, [undefined, undefined, Date.parse('2026-01-15T10:05:00+01:00')])
  },
  'remote/info': (host) => host.remote.info(123, {}),
  'ftp/process': (host) => host.ftp.process({}),
  'ftp/users/ls': async (host) => {
    assert.deepEqual(await host.ftp.list({}), [{ user: 'scanner', folder_id: 0 }])
  },
  'ftp/users/add': (host) => host.ftp.add({ name: 'scanner', pass: 'secret pass', folder: ROOT }, {}),
  'ftp/users/rm': (host) => host.ftp.remove('scanner', {}),
  'vouchers/ls': async (host) => {
    const vouchers = await host.vouchers.list({})
    assert.deepEqual(vouchers, [{ voucher: '0123456789abcdef0123456789abcdef', service: 'Premium 30 days' }])
  },
  'vouchers/check': async (host, written) => {
    assert.equal(await host.vouchers.check(String(bodyOf(written)['voucher']), {}), 'Premium 30 days')
  },
  'vouchers/use': (host, written) =>
    host.vouchers.use(String(bodyOf(written)['voucher']), 'user@example.com', {}),
  dir: async (host, written) => {
    const isForm = written.request.method === 'POST'
    const files = await host.publicFolder('abDEf123', isForm ? { pass: 'secret pass' } : {}, {})
    assert.equal(files.length, Object.keys(written.reply.body as Body).length)
  },
  check_links: async (host, written) => {
    const urls = new URLSearchParams(String(written.request.body)).getAll('links[]')
    const states = await host.checkLinks(urls.map(parseFileLink), {})
    assert.deepEqual(
      states.map(({ state }) => state),
      ['found', 'not-found', 'private', 'bad-link'],
    )
  },
}

function bodyOf(written: Written): Body {
  return (written.request.body ?? {}) as Body
}

function textIn(body: Body, name: string): string | undefined {
  const value = body[name]
  return typeof value === 'string' ? value : undefined
}

function linkOf(written: Written): ReturnType<typeof parseFileLink> {
  return parseFileLink(String(bodyOf(written)['url']))
}

function linksOf(written: Written): ReturnType<typeof parseFileLink>[] {
  return (bodyOf(written)['urls'] as string[]).map(parseFileLink)
}

function passOf(written: Written): { readonly pass?: string } {
  const pass = textIn(bodyOf(written), 'pass')
  return pass === undefined ? {} : { pass }
}
