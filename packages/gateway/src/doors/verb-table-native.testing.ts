import type { Endpoint, FolderId, Unpaced, Verb } from '@guichet/core'
import type { Ask } from './counter.testing.ts'
import { type Ground, JSON_TYPE, type Row, word } from './verb-table.testing.ts'

type Make = (ground: Ground, key: string) => Promise<object> | object

/** A request that is not a call of the API. */
const other = (route: Unpaced, needs: readonly Verb[], ask: Row['ask'], how: string = ''): Row => ({
  route,
  how,
  needs,
  refusal: 'KO',
  ask,
})

const v1 = (route: Endpoint, needs: Row['needs'], how: string = '', body: Make = () => ({})): Row => ({
  route,
  how,
  needs,
  refusal: 'KO',
  ask: async (ground, key) => ({
    method: 'POST',
    path: `/v1/${route}.cgi`,
    headers: JSON_TYPE,
    body: JSON.stringify(await body(ground, key)),
  }),
})

/** What 1fichier's own API takes, and what stands beside it. */
export const NATIVE_ROWS: readonly Row[] = [
  v1('file/ls', ['list'], '', ({ folder }) => ({ folder_id: folder })),
  v1('file/ls', ['list'], 'of the whole account', () => ({ folder_id: -1 })),
  v1('file/info', ['stat'], '', ({ url }) => ({ url })),
  v1('file/info', ['stat'], 'by name', ({ file }) => ({ folder_id: file.folder, filename: file.name })),
  v1('file/scan', ['delete'], '', ({ url }) => ({ url })),
  v1('file/rm', ['delete'], '', ({ url }) => ({ files: [{ url }] })),
  v1('file/mv', ['move'], '', ({ url }) => ({ urls: [url], destination_folder_id: 0 })),
  v1('file/mv', ['rename'], 'to where it is', ({ url, folder }) => ({
    urls: [url],
    destination_folder_id: folder,
    rename: word(),
  })),
  v1('file/mv', ['move', 'rename'], 'with a new name', ({ url }) => ({ urls: [url], rename: word() })),
  v1('file/mv', ['move'], 'to where its name is taken', async (ground) => ({
    urls: [ground.url],
    destination_folder_id: await namesake(ground),
  })),
  v1('file/rename', ['rename'], '', ({ url }) => ({ urls: [{ url, filename: word() }] })),
  v1('file/cp', ['copy'], '', ({ url }) => ({ urls: [url], folder_id: 0 })),
  v1('file/cp', ['copy'], 'to where its name is taken', async (ground) => ({
    urls: [ground.url],
    folder_id: await namesake(ground),
  })),
  v1('file/chattr', ['rename'], 'name', ({ url }) => ({ urls: [url], filename: word() })),
  v1('file/chattr', ['rename'], 'description', ({ url }) => ({ urls: [url], description: 'x' })),
  v1('file/chattr', ['rename'], 'inline', ({ url }) => ({ urls: [url], inline: 1 })),
  v1('file/chattr', ['rename'], 'without TLS', ({ url }) => ({ urls: [url], no_ssl: 1 })),
  v1('file/chattr', ['password'], 'password', ({ url }) => ({ urls: [url], pass: 'secret' })),
  v1('file/chattr', ['share'], 'access', ({ url }) => ({ urls: [url], acl: { ip: [] } })),
  v1('file/chattr', ['cdn'], 'CDN', ({ url }) => ({ urls: [url], cdn: 1 })),
  v1('file/chattr', ['rename', 'password', 'share', 'cdn'], 'everything', ({ url }) => ({
    ...{ urls: [url], inline: 1, pass: 'secret', acl: { premium: 1 }, cdn: 1 },
  })),
  v1('folder/ls', ['list'], '', ({ folder }) => ({ folder_id: folder, files: 1 })),
  v1('folder/mkdir', ['mkdir'], '', ({ folder }) => ({ folder_id: folder, name: word() })),
  v1('folder/mv', ['move'], '', ({ empty }) => ({ folder_id: empty, destination_folder_id: 0 })),
  v1('folder/mv', ['rename'], 'to where it is', ({ empty }) => ({ folder_id: empty, rename: word() })),
  v1('folder/mv', ['rename', 'move'], 'with a new name', ({ empty }) => ({
    ...{ folder_id: empty, destination_folder_id: 0, rename: word() },
  })),
  v1('folder/rm', ['delete'], '', ({ empty }) => ({ folder_id: empty })),
  v1('folder/share', ['share'], '', ({ folder }) => ({ folder_id: folder, share: 1 })),
  v1('folder/share', ['share'], 'with people', ({ folder }) => ({
    ...{ folder_id: folder, shares: [{ email: 'a@example.com', rw: 1 }] },
  })),
  v1('folder/share', ['share', 'password'], 'with a password', ({ folder }) => ({
    ...{ folder_id: folder, share: 1, pass: 'secret' },
  })),
  v1('upload/get_upload_server', ['upload']),
  v1('download/get_token', ['download'], '', ({ url }) => ({ url })),
  v1('download/get_token', ['download', 'cdn'], 'by CDN', ({ url }) => ({ url, cdn: 1 })),
  v1('user/info', ['account']),
  v1('user/info', ['account'], 'to change it', () => ({ use_cdn: 1 })),
  v1('remote/request', ['remote-upload'], '', ({ folder }) => ({
    ...{ urls: ['https://example.com/x'], folder_id: folder },
  })),
  v1('remote/ls', ['remote-upload']),
  v1('remote/info', ['remote-upload'], '', async ({ counter, folder }) => ({
    id: await counter.account.remote.start([new URL('https://example.com/x')], folder, {}, {}),
  })),
  v1('ftp/process', ['ftp']),
  v1('ftp/users/ls', ['ftp']),
  v1('ftp/users/add', ['ftp'], '', ({ folder }) => ({ user: word(), pass: 'secret', folder_id: folder })),
  v1('ftp/users/rm', ['ftp'], '', async ({ counter, folder }) => {
    const user = word()
    await counter.account.ftp.add({ name: user, pass: 'secret', folder }, {})
    return { user }
  }),
  v1('vouchers/ls', 'owner'),
  v1('vouchers/check', 'owner', '', () => ({ voucher: 'v' })),
  v1('vouchers/use', 'owner', '', () => ({ voucher: 'v', user_email: 'a@example.com' })),
  other('upload.cgi', ['upload'], ({ folder }) => upload(folder)),
  other('end.pl', ['upload'], async (ground, key) => ({
    ...{ path: `/end.pl?xid=${await stored(ground, key)}`, headers: { json: '1' } },
  })),
  other('direct', ['download'], (ground, key) => ticket(ground, key, false)),
  other('direct', ['download', 'cdn'], (ground, key) => ticket(ground, key, true), 'by CDN'),
  other('dir', ['list'], async ({ counter, folder }) => {
    const address = await counter.account.shareFolder(folder, { public: true }, {})
    return { path: `/dir/${address?.split('/').at(-1)}?json=1` }
  }),
  other('check_links', ['stat'], ({ url }) => checkLinks(url)),
  other('check_links', ['stat'], () => checkLinks('nonsense'), 'of nothing'),
]

/** Another folder with a file of the same name: 1fichier has both then, and nothing is overwritten. */
async function namesake({ counter, file, empty }: Ground): Promise<FolderId> {
  const nowMs = counter.clock.nowMs()
  const entry = counter.account.plant(empty, file.name, Buffer.from('another'), nowMs)
  await counter.tree.addFile(empty, entry, nowMs)
  return empty
}

function upload(folder: FolderId): Ask {
  const part = (head: string, body: string): string =>
    `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  return {
    method: 'POST',
    path: `/upload.cgi?id=${word()}`,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: `${part('name="did"', String(folder))}${part('name="file[]"; filename="new"', 'content')}--b--\r\n`,
  }
}

/** The name of an upload of the key that is stored by now. */
async function stored({ counter, folder }: Ground, text: string): Promise<string> {
  const { uploads, principals } = counter.services
  const principal = await principals.authenticate({ kind: 'bearer', secret: text }, '127.0.0.1')
  const { key } = principal
  const name = word()
  const content = (async function* () {
    yield Buffer.from('content')
  })()
  const received = await uploads.receive(
    { principal, door: 'native', requestId: 'test' },
    folder,
    { name },
    content,
  )
  await uploads.commit(`${key}/${name}`, [received], { more: false })
  await uploads.whenStored(`${key}/${name}`)
  return name
}

/** A direct link; whoever has it may use it, as far as the key may that it was made for. */
async function ticket({ counter, file }: Ground, text: string, cdn: boolean): Promise<Ask> {
  const { tickets, principals } = counter.services
  const principal = await principals.authenticate({ kind: 'bearer', secret: text }, '127.0.0.1')
  return { path: `/p${tickets.issue({ principal, file, options: { cdn } })}` }
}

function checkLinks(link: string): Ask {
  return {
    method: 'POST',
    path: '/check_links.pl',
    body: new URLSearchParams({ 'links[]': link }).toString(),
  }
}
