import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ApiIssuedKey } from '@guichet/sdk'
import { rclone, stored, without } from './clients.ts'
import { type Ran, run, type Stand, startStand } from './stand.ts'

/** Things of one kind that the key may not know of, and one that never was; all are written with equally many characters. */
interface Hidden {
  readonly real: readonly string[]
  readonly never: string
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

interface World {
  readonly stand: Stand
  /** May list and download below /a. */
  readonly key: ApiIssuedKey
  /** May do everything below /a. */
  readonly strong: ApiIssuedKey
  readonly links: Hidden
  readonly folders: Hidden
  readonly paths: Hidden
  readonly inside: { readonly link: string; readonly folder: number }
  /** What must be in no answer at all. */
  readonly secrets: readonly string[]
}

/** Fills the account, and has the owner look at all of it, so that the gateway knows what it must not tell. */
async function openWorld(stand: Stand): Promise<World> {
  const { account } = stand.emulator
  const inside = await account.putFile('/a/inside.txt', Buffer.from('inside'))
  await account.putFile('/a/sub/deep.txt', Buffer.from('deep'))
  const outside = await Promise.all(
    ['/b/hidden.txt', '/top.txt', '/aa/hidden.txt', '/b/a/hidden.txt'].map((place) =>
      account.putFile(place, Buffer.from(`content of ${place}`)),
    ),
  )
  const foreign = await account.putForeign({ name: 'foreign.txt', bytes: Buffer.from('foreign') })
  const known = await stand.guichet(['ls', '-R', '/', '--json'])
  assert.equal(known.code, 0, known.stderr)
  const [key, strong] = [
    await stand.issue('list,download', ['--root', '/a']),
    await stand.issue('all', ['--root', '/a']),
  ]
  const ids = ['/b', '/aa', '/b/a'].map((place) => account.mkdir(place))
  const shared = await stand.guichet(['share', '--public', '/b', '--json'])
  assert.equal(shared.code, 0, shared.stderr)
  return {
    stand,
    key,
    strong,
    links: {
      real: [...outside.map(({ link }) => link), foreign],
      never: 'https://1fichier.com/?neverwasthere0000000',
    },
    folders: { real: ids.map(String), never: String(Math.max(...ids) + 1_000) },
    paths: { real: ['/b/hidden.txt', '/b/a/hidden.txt'], never: '/x/nothing.txt' },
    inside: { link: inside.link, folder: account.mkdir('/a') },
    secrets: ['hidden', 'top.txt', 'foreign.txt', JSON.parse(shared.stdout).url],
  }
}

async function ask(stand: Stand, key: string, target: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${stand.url}${target}`, {
    redirect: 'manual',
    ...init,
    headers: { authorization: `Bearer ${key}`, ...init.headers },
  })
  const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers)
  const text = (await response.text()).replace(/"requestId":"\w+"/, '')
  return { status: response.status, headers, text }
}

function native(stand: Stand, key: string, endpoint: string, body: object): Promise<Answer> {
  return ask(stand, key, `/v1/${endpoint}.cgi`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Every call of the native door that can name a file by its link. */
const BY_LINK: Readonly<Record<string, (link: string, home: number) => object>> = {
  'file/info': (url) => ({ url }),
  'download/get_token': (url) => ({ url }),
  'file/scan': (url) => ({ url }),
  'file/rm': (url) => ({ files: [{ url }] }),
  'file/mv': (url, home) => ({ urls: [url], destination_folder_id: home }),
  'file/rename': (url) => ({ urls: [{ url, filename: 'mine.txt' }] }),
  'file/cp': (url, home) => ({ urls: [url], folder_id: home }),
  'file/chattr': (url) => ({ urls: [url], pass: 'a password' }),
}

/** Every call of the native door that can name a folder by its id. */
const BY_FOLDER: Readonly<Record<string, (folder: string, own: { link: string; folder: number }) => object>> =
  {
    'folder/ls': (folder) => ({ folder_id: folder, files: 1 }),
    'file/ls': (folder) => ({ folder_id: Number(folder) }),
    'file/info': (folder) => ({ folder_id: folder, filename: 'hidden.txt' }),
    'download/get_token': (folder) => ({ folder_id: folder, filename: 'hidden.txt' }),
    'folder/mkdir': (folder) => ({ folder_id: folder, name: 'mine' }),
    'folder/mv': (folder, own) => ({ folder_id: folder, destination_folder_id: own.folder }),
    'folder/rm': (folder) => ({ folder_id: folder }),
    'folder/share': (folder) => ({ folder_id: folder, share: 1 }),
    'file/mv': (folder, own) => ({ urls: [own.link], destination_folder_id: folder }),
    'file/cp': (folder, own) => ({ urls: [own.link], folder_id: folder }),
    'remote/request': (folder) => ({ urls: ['https://example.com/x'], folder_id: folder }),
  }

/** Calls about the account as a whole, which a confined key has no part in. */
const ABOUT_THE_ACCOUNT: Readonly<Record<string, object>> = {
  'file/ls': { folder_id: -1 },
  'remote/ls': {},
  'remote/info': { id: 1 },
  'ftp/process': {},
  'ftp/users/ls': {},
  'ftp/users/rm': { user: 'somebody' },
  'vouchers/ls': {},
  'vouchers/check': { voucher: 'x'.repeat(32) },
  'vouchers/use': { voucher: 'x'.repeat(32), user_email: 'a@example.com' },
}

describe('a key for /a that may list and download', () => {
  let world: World
  const opened = new AsyncDisposableStack()
  before(async () => {
    world = await openWorld(opened.use(await startStand()))
  })
  after(() => opened.disposeAsync())

  /** The refusal of each real thing must be that of a thing that never was, to the letter. */
  async function assertSame(
    what: string,
    { real, never }: Hidden,
    call: (thing: string) => Promise<Answer>,
  ): Promise<number> {
    const expected = await call(never)
    assert.ok(expected.status >= 400, `${what}: ${expected.status} ${expected.text}`)
    for (const thing of real) {
      const given = await call(thing)
      const masked = {
        ...given,
        text: given.text.replaceAll(idOf(thing), idOf(never)).replaceAll(thing, never),
      }
      const { 'content-length': _length, ...headers } = masked.headers
      const { 'content-length': _expectedLength, ...expectedHeaders } = expected.headers
      assert.deepEqual({ ...masked, headers }, { ...expected, headers: expectedHeaders }, `${what} ${thing}`)
    }
    return real.length
  }

  function assertFichierShaped(answer: Answer): void {
    const { status, message } = JSON.parse(answer.text)
    assert.equal(status, 'KO')
    assert.match(message, /^[A-Z].* #\d+$/s)
  }

  it('sees its folder and the way down to it, and nothing else', async () => {
    const { stand, key, inside } = world
    const root = JSON.parse((await native(stand, key.key, 'folder/ls', { folder_id: 0, files: 1 })).text)
    assert.deepEqual(
      [root.sub_folders.map(({ name }: { name: string }) => name), root.items, root.files, root.size],
      [['a'], [], 0, null],
    )
    const own = JSON.parse(
      (await native(stand, key.key, 'folder/ls', { folder_id: inside.folder, files: 1 })).text,
    )
    assert.deepEqual(
      [own.items.map(({ filename }: { filename: string }) => filename), own.sub_folders.length],
      [['inside.txt'], 1],
    )
    const token = JSON.parse((await native(stand, key.key, 'download/get_token', { url: inside.link })).text)
    assert.equal(await (await fetch(token.url)).text(), 'inside')
  })

  it('learns nothing from the native door by link or folder id, however much its verbs allow', async () => {
    const { stand, links, folders, inside } = world
    const before = stored(stand)
    let count = 0
    for (const { key } of [world.key, world.strong]) {
      for (const [endpoint, body] of Object.entries(BY_LINK)) {
        const call = (link: string): Promise<Answer> =>
          native(stand, key, endpoint, body(link, inside.folder))
        assertFichierShaped(await call(links.never))
        count += await assertSame(endpoint, links, call)
      }
      for (const [endpoint, body] of Object.entries(BY_FOLDER)) {
        const call = (folder: string): Promise<Answer> => native(stand, key, endpoint, body(folder, inside))
        assertFichierShaped(await call(folders.never))
        count += await assertSame(endpoint, folders, call)
      }
      for (const [endpoint, body] of Object.entries(ABOUT_THE_ACCOUNT)) {
        const answer = await native(stand, key, endpoint, body)
        assert.ok(answer.status >= 400, `${endpoint}: ${answer.text}`)
        assertFichierShaped(answer)
        count += 1
      }
    }
    assert.deepEqual(stored(stand), before)
    assert.ok(count >= 150, `${count} refusals`)
  })

  it('learns nothing from public folders, link checks and uploads of others', async () => {
    const { stand, links, key, strong, secrets } = world
    const owner = await stand.issue('all')
    const shared = new URL(String(secrets.at(-1))).pathname
    const form = (fields: Record<string, string>): RequestInit => ({
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    for (const text of [key.key, strong.key]) {
      const folder: Hidden = { real: [`${shared}?json=1`], never: '/dir/NeverWas?json=1' }
      await assertSame('a public folder', folder, (place) => ask(stand, text, place))
      await assertSame('check_links.pl', links, (link) =>
        ask(stand, text, '/check_links.pl', form({ 'links[]': link })),
      )
      const report = await ask(stand, text, '/end.pl?xid=others1', { headers: { json: '1' } })
      assertFichierShaped(report)
    }
    const upload = new FormData()
    upload.set('file[]', new Blob(['theirs']), 'theirs.txt')
    const sent = await ask(stand, owner.key, '/upload.cgi?id=others1', { method: 'POST', body: upload })
    assert.equal(sent.status, 302)
    const own = await ask(stand, owner.key, '/end.pl?xid=others1', { headers: { json: '1' } })
    assert.match(own.text, /theirs\.txt/)
    assertFichierShaped(await ask(stand, key.key, '/end.pl?xid=others1', { headers: { json: '1' } }))
  })

  it('learns nothing from our own API by path, link or folder id', async () => {
    const { stand, links, folders, paths } = world
    const post = (body: object): RequestInit => ({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const before = stored(stand)
    const withIds: Hidden = {
      real: folders.real.map((id) => `folder:${id}`),
      never: `folder:${folders.never}`,
    }
    for (const { key } of [world.key, world.strong]) {
      for (const hidden of [links, withIds, paths]) {
        const at = (place: string): string => encodeURIComponent(place)
        for (const route of ['nodes', 'children', 'content', 'attributes']) {
          await assertSame(route, hidden, (place) => ask(stand, key, `/api/v1/${route}?at=${at(place)}`))
        }
        for (const [route, body] of Object.entries<(place: string) => object>({
          folders: (place) => ({ at: `${place}/new` }),
          move: (place) => ({ from: [place], to: '/a' }),
          copy: (place) => ({ from: [place], to: '/a' }),
          remove: (place) => ({ at: [place], recursive: true }),
          share: (place) => ({ at: place, public: true }),
          attributes: (place) => ({ at: [place], pass: 'a password' }),
          scan: (place) => ({ at: place }),
          direct: (place) => ({ at: place }),
          remote: (place) => ({ urls: ['https://example.com/x'], at: place }),
        })) {
          await assertSame(route, hidden, (place) => ask(stand, key, `/api/v1/${route}`, post(body(place))))
        }
      }
      for (const [place, name] of [
        ['/b', 'new.txt'],
        ['/x', 'new.txt'],
        ['', 'top.txt'],
      ]) {
        const answer = await ask(stand, key, `/api/v1/content?at=${place}/${name}&parents=1&overwrite=1`, {
          method: 'PUT',
          body: 'mine',
        })
        assert.ok(answer.status === 403 || answer.status === 404, `${place}/${name}: ${answer.text}`)
      }
      for (const route of ['keys', 'transfers', 'remote', 'remote/1']) {
        const answer = await ask(stand, key, `/api/v1/${route}`)
        assert.equal(answer.status, 403, `${route}: ${answer.text}`)
      }
      for (const route of ['keys', 'resume', 'seal']) {
        const wish = { name: 'wider', verbs: ['all'], root: '/a' }
        assert.equal((await ask(stand, key, `/api/v1/${route}`, post(wish))).status, 403, route)
      }
    }
    assert.deepEqual(stored(stand), before)
  })

  it('writes nothing inside either, and every refusal is in the shape of 1fichier', async () => {
    const { stand, key, inside } = world
    const before = stored(stand)
    const calls: readonly (readonly [string, object])[] = [
      ['file/rm', { files: [{ url: inside.link }] }],
      ['file/mv', { urls: [inside.link], destination_folder_id: inside.folder, rename: 'x.txt' }],
      ['file/rename', { urls: [{ url: inside.link, filename: 'x.txt' }] }],
      ['file/cp', { urls: [inside.link], folder_id: inside.folder, rename: 'x.txt' }],
      ['file/chattr', { urls: [inside.link], description: 'x' }],
      ['file/chattr', { urls: [inside.link], pass: 'a password' }],
      ['file/chattr', { urls: [inside.link], acl: { country: ['FR'] } }],
      ['folder/mkdir', { name: 'x', folder_id: inside.folder }],
      ['folder/mv', { folder_id: inside.folder, rename: 'x' }],
      ['folder/rm', { folder_id: inside.folder }],
      ['folder/share', { folder_id: inside.folder, share: 1 }],
      ['remote/request', { urls: ['https://example.com/x'], folder_id: inside.folder }],
      ['upload/get_upload_server', {}],
      ['download/get_token', { url: inside.link, cdn: 1 }],
      ['user/info', {}],
      ['user/info', { use_cdn: 1 }],
      ['ftp/users/add', { user: 'x', pass: 'y', folder_id: inside.folder }],
    ]
    for (const [endpoint, body] of calls) {
      const answer = await native(stand, key.key, endpoint, body)
      assert.ok([400, 403].includes(answer.status), `${endpoint}: ${answer.status} ${answer.text}`)
      assertFichierShaped(answer)
    }
    for (const did of [0, inside.folder, 1_000_000]) {
      const upload = new FormData()
      upload.set('did', String(did))
      upload.set('file[]', new Blob(['mine']), 'mine.txt')
      const sent = await ask(stand, key.key, '/upload.cgi?id=mine1', { method: 'POST', body: upload })
      assert.equal(sent.status, 403, sent.text)
      assertFichierShaped(sent)
    }
    assert.deepEqual(stored(stand), before)
    const spooled = await readdir(path.join(stand.home, 'spool')).catch(() => []) // It is made when first needed.
    assert.deepEqual(spooled, [])
  })

  it('cannot put files outside by an upload, even with every verb', async () => {
    const { stand, strong, folders } = world
    const before = stored(stand)
    await assertSame('upload.cgi', folders, async (did) => {
      const upload = new FormData()
      upload.set('did', did)
      upload.set('file[]', new Blob(['mine']), 'mine.txt')
      return ask(stand, strong.key, '/upload.cgi?id=mine2', { method: 'POST', body: upload })
    })
    assert.deepEqual(stored(stand), before)
  })

  it('is told in the CLI what is refused and what would allow it', async () => {
    const { stand, key, inside } = world
    const local = path.join(stand.work, 'local')
    await mkdir(local)
    await writeFile(path.join(local, 'mine.txt'), 'mine')
    const as = (...args: readonly string[]): Promise<Ran> =>
      stand.guichet(args, { env: { GUICHET_URL: stand.url, GUICHET_KEY: key.key }, cwd: local })
    const listed = await as('ls', '-R', '/')
    assert.equal(listed.code, 0, listed.stderr)
    assert.equal(listed.stdout, '/:\na/\n\n/a:\nsub/\ninside.txt\n\n/a/sub:\ndeep.txt\n\n')
    assert.equal((await as('cat', inside.link)).stdout, 'inside')

    const unseen: readonly (readonly string[])[] = [
      ['ls', '/b'],
      ['get', '/b/hidden.txt'],
      ['cat', world.links.real[0] ?? ''],
      ['stat', `folder:${world.folders.real[0]}`],
    ]
    for (const args of unseen) {
      const ran = await as(...args)
      assert.equal(ran.code, 4, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`)
      assert.match(ran.stderr, /^error: there is no /)
      assert.match(ran.stderr, /^hint: .*\/a\b/m, `${args.join(' ')}: ${ran.stderr}`)
      for (const secret of ['content of', 'top.txt'])
        assert.ok(!`${ran.stdout}${ran.stderr}`.includes(secret))
    }
    const refused: Readonly<Record<string, readonly string[]>> = {
      upload: ['put', 'mine.txt', '/a'],
      mkdir: ['mkdir', '/a/new'],
      delete: ['rm', '--yes', '/a/inside.txt'],
      rename: ['mv', '/a/inside.txt', '/a/other.txt'],
      copy: ['cp', '/a/inside.txt', '/a/sub/'],
      share: ['share', '--public', '/a'],
      direct: ['link', '--direct', '/a/inside.txt'],
    }
    for (const [verb, args] of Object.entries(refused)) {
      const ran = await as(...args)
      assert.equal(ran.code, 3, `${args.join(' ')}: ${ran.code} ${ran.stdout}${ran.stderr}`)
      assert.match(ran.stderr, /^error: .*may not /m)
      assert.match(
        ran.stderr,
        new RegExp(`^hint: .*guichet key create .*--verbs \\S*${verb}.* --root '/a'`, 'm'),
      )
    }
    assert.deepEqual(await readdir(local), ['mine.txt'])
    const owned = await as('key', 'list')
    assert.equal(owned.code, 3)
    assert.match(owned.stderr, /may not make or end keys, nor see them/)
  })

  it('is confined in rclone and behind the proxy too', {
    skip: without('rclone') || without('curl'),
  }, async () => {
    const { stand } = world
    const confined = ['--verbs', 'list,download', '--root', '/a']
    const listed = await rclone(stand, ['lsf', '-R', ':fichier:'], confined)
    assert.equal(listed.code, 0, listed.stderr)
    assert.deepEqual(listed.stdout.trim().split('\n').sort(), [
      'a/',
      'a/inside.txt',
      'a/sub/',
      'a/sub/deep.txt',
    ])
    assert.notEqual(
      (await rclone(stand, ['cat', ':fichier:b/hidden.txt'], confined)).stdout,
      'content of /b/hidden.txt',
    )
    const before = stored(stand)
    for (const args of [
      ['copy', stand.work, ':fichier:a/new', '--include', 'rules.json'],
      ['copy', stand.work, ':fichier:b', '--include', 'rules.json'],
      ['deletefile', ':fichier:a/inside.txt'],
      ['purge', ':fichier:a'],
    ]) {
      const ran = await rclone(stand, [...args, '--retries', '1'], confined)
      assert.notEqual(ran.code, 0, args.join(' '))
      assert.match(ran.stderr, /may not/)
    }
    assert.deepEqual(stored(stand), before)

    const ca = path.join(stand.home, 'ca.pem')
    const asked = await run(
      'curl',
      [
        ...['-sS', '-x', stand.url.replace('//', `//any:${world.key.key}@`), '--cacert', ca],
        ...['-H', 'Content-Type: application/json', '-d', JSON.stringify({ url: world.links.real[0] })],
        'https://api.1fichier.com/v1/download/get_token.cgi',
      ],
      { env: { PATH: process.env['PATH'] ?? '' } },
    )
    assert.equal(JSON.parse(asked.stdout).status, 'KO')
  })

  it('has been the reason of no call that changes anything', () => {
    const { calls } = world.stand.emulator.snapshot()
    const changing = Object.keys(calls).filter((name) =>
      /^(file\/(rm|mv|rename|cp|chattr|scan)|folder\/(mkdir|mv|rm)|remote|ftp|vouchers|user)/.test(name),
    )
    assert.deepEqual(changing, [])
  })

  it('is followed when things move: what leaves /a is out of its sight', async () => {
    const { stand, key } = world
    const file = await stand.emulator.account.putFile('/a/leaving.txt', Buffer.from('leaving'))
    assert.equal((await stand.guichet(['ls', '--refresh', '/a'])).code, 0)
    const info = (): Promise<Answer> => native(stand, key.key, 'file/info', { url: file.link })
    assert.equal((await info()).status, 200)
    const token = JSON.parse((await native(stand, key.key, 'download/get_token', { url: file.link })).text)
    assert.equal((await stand.guichet(['mv', '/a/leaving.txt', '/b/'])).code, 0)
    assert.equal((await info()).status, 404)
    assert.equal((await fetch(token.url)).status, 404, 'a link that was given out before is no way around')
  })
})

/** The part of a link, an id or an address that names the thing. */
function idOf(thing: string): string {
  return /(?:\?|folder:|\/dir\/)(\w+)/.exec(thing)?.[1] ?? thing
}
