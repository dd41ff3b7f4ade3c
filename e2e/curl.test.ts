import assert from 'node:assert/strict'
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { whirlpool, without } from './clients.ts'
import { type Ran, run, type Stand, startStand } from './stand.ts'

/** One way for curl to the same door: where the API is, and what proves the key. */
interface Way {
  readonly api: string
  readonly scheme: 'http' | 'https'
  readonly options: readonly string[]
}

type Json = Record<string, unknown>

/** curl as people call it, with its progress bar off. */
async function curl(way: Way, ...args: readonly string[]): Promise<Ran> {
  return run('curl', ['-sS', '--max-time', '60', ...way.options, ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
  })
}

async function ask(way: Way, endpoint: string, body?: unknown): Promise<{ status: number; json: Json }> {
  const sent = body === undefined ? ['-X', 'POST'] : ['-d', JSON.stringify(body)]
  const ran = await curl(
    way,
    ...['-H', 'Content-Type: application/json', '-w', '\n%{http_code}', ...sent],
    `${way.api}/${endpoint}.cgi`,
  )
  assert.equal(ran.code, 0, `${endpoint}: ${ran.stderr}`)
  const [text = '', status = ''] = ran.stdout.trimEnd().split(/\n(?=\d+$)/)
  return { status: Number(status), json: JSON.parse(text) }
}

async function ok(way: Way, endpoint: string, body?: unknown): Promise<Json> {
  const { status, json } = await ask(way, endpoint, body)
  assert.equal(status, 200, `${endpoint}: ${JSON.stringify(json)}`)
  assert.notEqual(json['status'], 'KO', `${endpoint}: ${JSON.stringify(json)}`)
  return json
}

function list(json: Json, field: string): readonly Json[] {
  const entries = json[field]
  assert.ok(Array.isArray(entries), `${field} in ${JSON.stringify(json)}`)
  return entries
}

/** Uploads with the steps of wire.md §6 and gives back the three forms of the report. */
async function upload(
  way: Way,
  folder: unknown,
  files: readonly string[],
): Promise<{ readonly json: Json; readonly csv: string; readonly html: string }> {
  const { url, id } = await ok(way, 'upload/get_upload_server', {})
  assert.match(String(id), /^[A-Za-z0-9]{10}$/)
  const node = `${way.scheme}://${url}`
  const sent = await curl(
    way,
    ...['-D', '-', '-o', '/dev/null', '-F', `did=${folder}`],
    ...files.flatMap((file) => ['-F', `file[]=@${file}`]),
    `${node}/upload.cgi?id=${id}`,
  )
  assert.equal(sent.code, 0, sent.stderr)
  const location = /^location: (\/end\.pl\?xid=\S+)\r$/im.exec(sent.stdout)?.[1]
  assert.match(sent.stdout, / 302 /)
  assert.ok(location !== undefined, sent.stdout)
  const report = async (...headers: readonly string[]): Promise<string> =>
    (await curl(way, ...headers.flatMap((header) => ['-H', header]), `${node}${location}`)).stdout
  return {
    json: JSON.parse(await report('JSON: 1')),
    csv: await report('EXPORT: 1'),
    html: await report(),
  }
}

/** A day with the account: every call of wire.md §4 to §10 that a person makes with curl. */
async function story(stand: Stand, way: Way, name: string): Promise<void> {
  const folder = (await ok(way, 'folder/mkdir', { name }))['folder_id']
  assert.equal(typeof folder, 'number')
  const links = await storyOfUploads(stand, way, name, folder)
  await storyOfListings(way, name, folder, links)
  await storyOfDownloads(stand, way, links[1] ?? '')
  await storyOfChanges(stand, way, name, folder, links)
  await storyOfTheAccount(way, folder)
}

const SMALL = Buffer.from('Hello world\n')
const LARGE = Buffer.from('0123456789abcdef'.repeat(20_000))

async function storyOfUploads(
  stand: Stand,
  way: Way,
  name: string,
  folder: unknown,
): Promise<readonly string[]> {
  const source = path.join(stand.work, name)
  await mkdir(source)
  await writeFile(path.join(source, 'small.txt'), SMALL)
  await writeFile(path.join(source, 'large é.bin'), LARGE)
  const report = await upload(way, folder, [path.join(source, 'small.txt'), path.join(source, 'large é.bin')])
  const links = list(report.json, 'links')
  assert.equal(report.json['incoming'], 0)
  assert.deepEqual(
    links.map(({ filename, size, whirlpool: hash, remove }) => ({ filename, size, hash, remove })),
    [
      { filename: 'small.txt', size: '12', hash: whirlpool(SMALL), remove: '' },
      { filename: 'large é.bin', size: String(LARGE.length), hash: whirlpool(LARGE), remove: '' },
    ],
  )
  const ids = links.map(
    ({ download }) => /^https:\/\/1fichier\.com\/\?([a-z0-9]+)$/.exec(String(download))?.[1],
  )
  assert.equal(report.csv, `small.txt;12;${ids[0]};;0;\nlarge é.bin;${LARGE.length};${ids[1]};;0;\n`)
  assert.match(report.html, /class="premium"/)
  for (const id of ids) assert.ok(report.html.includes(`https://1fichier.com/?${id}`))
  assert.deepEqual(await stand.emulator.account.readFile(`/${name}/large é.bin`), LARGE)

  return links.map(({ download }) => String(download))
}

async function storyOfListings(
  way: Way,
  name: string,
  folder: unknown,
  links: readonly string[],
): Promise<void> {
  const root = await ok(way, 'folder/ls', { folder_id: 0 })
  assert.equal(root['name'], 'Root')
  assert.ok(list(root, 'sub_folders').some((entry) => entry['id'] === folder && entry['name'] === name))
  const both = await ok(way, 'folder/ls', { folder_id: String(folder), files: 1, pretty: 1 })
  assert.equal(both['size'], SMALL.length + LARGE.length)
  const items = list(both, 'items')
  assert.deepEqual(items.map((item) => item['url']).sort(), [...links].sort())
  assert.deepEqual(list(await ok(way, 'file/ls', { folder_id: folder, sharing_user: null }), 'items'), items)
  const late = await ok(way, 'file/ls', { folder_id: folder, sent_after: '2099-01-01 00:00:00' })
  assert.deepEqual(late, { status: 'OK', count: 0, items: [] })
  const info = await ok(way, 'file/info', { url: `${links[0]}&af=123`, pass: null })
  assert.deepEqual(
    [info['filename'], info['size'], info['folder_id'], info['path'], info['checksum']],
    ['small.txt', 12, folder, name, whirlpool(SMALL)],
  )
  const named = await ok(way, 'file/info', { folder_id: folder, filename: 'large é.bin' })
  assert.equal(named['url'], links[1])
}

async function storyOfDownloads(stand: Stand, way: Way, link: string): Promise<void> {
  const direct = String((await ok(way, 'download/get_token', { url: link, single: 1 }))['url'])
  const whole = path.join(stand.work, 'whole')
  assert.equal((await curl(way, '-o', whole, direct)).code, 0)
  assert.deepEqual(await readFile(whole), LARGE)
  assert.equal((await curl(way, '-r', '3-7', direct)).stdout, '34567')
  assert.equal((await curl(way, '-r', '-4', direct)).stdout, 'cdef')
  const beyond = await curl(way, '-r', `${LARGE.length}-`, '-o', '/dev/null', '-w', '%{http_code}', direct)
  assert.equal(beyond.stdout, '416')

  await using part = await open(whole, 'r+')
  await part.truncate(123_457)
  const resumed = await curl(way, '-C', '-', '-o', whole, '-w', '%{http_code} %{size_download}', direct)
  assert.equal(resumed.stdout, `206 ${LARGE.length - 123_457}`)
  assert.deepEqual(await readFile(whole), LARGE)
  const again = await curl(way, '-C', '-', '-o', whole, '-w', '%{http_code}', direct)
  assert.equal((await stat(whole)).size, LARGE.length, `a finished file stays as it is: ${again.stdout}`)

  const head = (await curl(way, '-I', direct)).stdout.toLowerCase()
  assert.match(head, /^http\/1\.1 200 /)
  assert.ok(head.includes(`\r\ncontent-length: ${LARGE.length}\r\n`))
  assert.match(
    head,
    /\r\ncontent-disposition: attachment; filename="large _\.bin"; filename\*=utf-8''large%20%c3%a9\.bin\r\n/,
  )
  assert.match(head, /\r\naccept-ranges: bytes\r\n/)
}

async function storyOfChanges(
  stand: Stand,
  way: Way,
  name: string,
  folder: unknown,
  links: readonly string[],
): Promise<void> {
  const [small = '', large = ''] = links
  const below = (await ok(way, 'folder/mkdir', { name: 'below', folder_id: folder }))['folder_id']
  const moved = await ok(way, 'file/mv', { urls: [small], destination_folder_id: below, rename: 'moved.txt' })
  const movedUrl = String(Array.isArray(moved['urls']) ? moved['urls'][0] : '')
  assert.deepEqual(
    { moved: moved['moved'], filename: moved['filename'] },
    { moved: 1, filename: 'moved.txt' },
  )
  const renamed = await ok(way, 'file/rename', { urls: [{ url: large, filename: 'big.bin' }], pretty: 0 })
  assert.deepEqual(list(renamed, 'urls'), [
    { url: large, old_filename: 'large é.bin', new_filename: 'big.bin' },
  ])
  const copied = await ok(way, 'file/cp', { urls: [large], folder_id: below, rename: 'copy.bin' })
  const [copy] = list(copied, 'urls')
  assert.equal(copy?.['from_url'], large)
  const changed = await ok(way, 'file/chattr', {
    urls: [String(copy?.['to_url'])],
    description: 'seen by nobody',
    inline: 1,
    acl: { country: ['FR'] },
  })
  assert.equal(changed['updated'], 1)
  const shared = await ok(way, 'folder/share', { folder_id: below, share: 1 })
  assert.match(String(shared['url']), /^https:\/\/1fichier\.com\/dir\/\w+$/)
  const scanned = await ok(way, 'file/scan', { url: movedUrl })
  assert.equal(scanned['status'], 'OK')
  const paths = (): readonly string[] =>
    stand.emulator.account
      .files()
      .map((file) => file.path)
      .filter((file) => file.startsWith(`/${name}/`))
      .sort()
  assert.deepEqual(paths(), [`/${name}/below/copy.bin`, `/${name}/below/moved.txt`, `/${name}/big.bin`])

  const full = await ask(way, 'folder/rm', { folder_id: below })
  assert.equal(full.json['status'], 'KO')
  const removed = await ok(way, 'file/rm', {
    files: [{ url: movedUrl }, { url: String(copy?.['to_url']) }],
  })
  assert.equal(removed['removed'], 2)
  const gone = await ask(way, 'file/info', { url: movedUrl })
  assert.deepEqual([gone.status, gone.json['status']], [404, 'KO'])
  await ok(way, 'folder/mv', { folder_id: below, rename: 'renamed' })
  const after = await ok(way, 'folder/ls', { folder_id: folder })
  assert.deepEqual(
    list(after, 'sub_folders').map((entry) => [entry['id'], entry['name']]),
    [[below, 'renamed']],
  )
  assert.equal((await ok(way, 'folder/rm', { folder_id: below }))['status'], 'OK')
  assert.deepEqual(paths(), [`/${name}/big.bin`])
}

async function storyOfTheAccount(way: Way, folder: unknown): Promise<void> {
  const account = await ok(way, 'user/info')
  assert.equal(account['email'], 'owner@example.com')
  const asked = await ok(way, 'remote/request', { urls: ['https://example.com/a.bin'], folder_id: folder })
  assert.equal(typeof asked['id'], 'number')
  assert.ok(list(await ok(way, 'remote/ls', {}), 'data').some((entry) => entry['id'] === asked['id']))
  assert.equal((await ok(way, 'remote/info', { id: asked['id'] }))['id'], asked['id'])
  await ok(way, 'ftp/users/add', { user: `drop${folder}`, pass: 'a password', folder_id: folder })
  assert.ok(Array.isArray((await ok(way, 'ftp/users/ls'))['data']))
  await ok(way, 'ftp/users/rm', { user: `drop${folder}` })
}

describe('curl with the calls of wire.md §4 to §10', { skip: without('curl') }, () => {
  it('is served through Bearer, Basic and the proxy door, and breaks no rule of 1fichier', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    const direct = { api: `${stand.url}/v1`, scheme: 'http' } as const
    const ways: Readonly<Record<string, Way>> = {
      bearer: { ...direct, options: ['-H', `Authorization: Bearer ${key}`] },
      basic: { ...direct, options: ['-u', `any:${key}`] },
      proxy: {
        api: 'https://api.1fichier.com/v1',
        scheme: 'https',
        options: [
          '-x',
          stand.url.replace('//', `//any:${key}@`),
          '--cacert',
          path.join(stand.home, 'ca.pem'),
        ],
      },
    }
    for (const [name, way] of Object.entries(ways)) await story(stand, way, name)
    const { broken, locks } = stand.emulator.snapshot()
    assert.deepEqual({ broken, locks }, { broken: {}, locks: 0 })
  })

  it('uploads in one command that follows the redirect, and is told what 1fichier would not take', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('write')
    const way: Way = {
      api: `${stand.url}/v1`,
      scheme: 'http',
      options: ['-u', `any:${key}`, '-L', '-H', 'JSON: 1'],
    }
    const put = async (name: string, content: string): Promise<Json> => {
      const { url, id } = await ok(way, 'upload/get_upload_server')
      const file = path.join(stand.work, 'content')
      await writeFile(file, content)
      const form = ['-F', `file[]=@${file};filename=${name}`]
      return JSON.parse((await curl(way, ...form, `http://${url}/upload.cgi?id=${id}`)).stdout)
    }
    const [stored] = list(await put('one.txt', 'one'), 'links')
    assert.deepEqual([stored?.['filename'], stored?.['size']], ['one.txt', '3'])
    for (const [name, content] of Object.entries({ 'empty.txt': '', 'a$b.txt': 'x', 'a<b.txt': 'x' })) {
      const refused = await put(name, content)
      assert.equal(refused['status'], 'KO', name)
    }
    assert.deepEqual(
      stand.emulator.account.files().map((file) => file.path),
      ['/one.txt'],
    )
  })

  it('needs nothing but `guichet run` before its command line', async () => {
    await using stand = await startStand()
    await stand.emulator.account.putFile('/kept.txt', SMALL)
    const ran = await stand.guichet([
      ...[
        'run',
        '--',
        'curl',
        '-sS',
        '-H',
        'Content-Type: application/json',
        '-d',
        '{"folder_id":0,"files":1}',
      ],
      'https://api.1fichier.com/v1/folder/ls.cgi',
    ])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(
      list(JSON.parse(ran.stdout), 'items').map((item) => item['filename']),
      ['kept.txt'],
    )
  })
})
