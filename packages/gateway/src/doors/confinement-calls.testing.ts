import { type FolderId, parseFolderId } from '@guichet/core'
import type { Ask } from './counter.testing.ts'

/** A folder as a request may name it. */
export interface Folder {
  readonly id: FolderId
  readonly path: string
}

/** A file as a request may name it. */
export interface File {
  readonly id: string
  readonly folder: FolderId
  readonly name: string
  readonly path: string
}

/** What nobody has ever had. */
export const NEVER_FOLDER: Folder = { id: parseFolderId(987_654_321), path: '/not-a/not-b' }
export const NEVER_FILE: File = {
  id: 'zzzzzzzzzzzzzzzzzzzz',
  folder: NEVER_FOLDER.id,
  name: 'not-f',
  path: '/not-a/not-f',
}

/** What a request may be about. */
export interface Things {
  readonly folder: Folder
  readonly other: Folder
  readonly file: File
  /** One that nothing has yet. */
  readonly name: string
}

/** One request, with places for things of the account. */
export type Template = (things: Things) => Ask

const json = { 'content-type': 'application/json' }
const native =
  (endpoint: string, body: (things: Things) => object): Template =>
  (things) => ({
    method: 'POST',
    path: `/v1/${endpoint}.cgi`,
    headers: json,
    body: JSON.stringify(body(things)),
  })
const api =
  (method: string, where: string, body?: (things: Things) => object): Template =>
  (things) => ({
    method,
    path: `/api/v1${where}`,
    headers: json,
    body: body === undefined ? undefined : JSON.stringify(body(things)),
  })
const apiAt =
  (where: string, at: (things: Things) => string): Template =>
  (things) => ({ path: `/api/v1${where}?at=${encodeURIComponent(at(things))}` })
const url = (file: File): string => `https://1fichier.com/?${file.id}`

/** Every kind of request that a key can make, at both doors. */
export const TEMPLATES: readonly Template[] = [
  native('folder/ls', ({ folder }) => ({ folder_id: folder.id, files: 1 })),
  native('file/ls', ({ folder }) => ({ folder_id: folder.id })),
  native('file/ls', () => ({ folder_id: -1 })),
  native('folder/mkdir', ({ folder, name }) => ({ folder_id: folder.id, name })),
  native('folder/mv', ({ folder, other }) => ({ folder_id: folder.id, destination_folder_id: other.id })),
  native('folder/mv', ({ folder, other, name }) => ({
    folder_id: folder.id,
    destination_folder_id: other.id,
    rename: name,
  })),
  native('folder/mv', ({ folder, name }) => ({ folder_id: folder.id, rename: name })),
  native('folder/mv', ({ folder, name }) => ({ folder_id: folder.id, destination_user: '', rename: name })),
  native('folder/mv', ({ folder }) => ({ folder_id: folder.id })),
  native('folder/rm', ({ folder }) => ({ folder_id: folder.id })),
  native('folder/share', ({ folder }) => ({ folder_id: folder.id, share: 1 })),
  native('file/info', ({ file }) => ({ url: url(file) })),
  native('file/info', ({ file }) => ({ folder_id: file.folder, filename: file.name })),
  native('download/get_token', ({ file }) => ({ url: url(file), cdn: 1 })),
  native('download/get_token', ({ file }) => ({ folder_id: file.folder, filename: file.name })),
  native('file/rm', ({ file }) => ({ files: [{ url: url(file) }] })),
  native('file/mv', ({ file, other }) => ({ urls: [url(file)], destination_folder_id: other.id })),
  native('file/mv', ({ file, name }) => ({ urls: [url(file)], rename: name })),
  native('file/rename', ({ file, name }) => ({ urls: [{ url: url(file), filename: name }] })),
  native('file/cp', ({ file, other }) => ({ urls: [url(file)], folder_id: other.id })),
  native('file/cp', ({ file, name }) => ({ urls: [url(file)], rename: name })),
  native('file/chattr', ({ file }) => ({
    urls: [url(file)],
    pass: 'a password',
    acl: { ip: [] },
    inline: 1,
  })),
  native('file/chattr', ({ file }) => ({ urls: [url(file)] })),
  native('file/scan', ({ file }) => ({ url: url(file) })),
  native('remote/request', ({ folder }) => ({ urls: ['https://example.com/x'], folder_id: folder.id })),
  native('remote/ls', () => ({})),
  native('remote/info', () => ({ id: 1 })),
  native('ftp/users/ls', () => ({})),
  native('ftp/users/add', ({ folder }) => ({ user: 'u', pass: 'p', folder_id: folder.id })),
  native('ftp/users/rm', () => ({ user: 'u' })),
  native('ftp/process', () => ({})),
  native('user/info', ({ folder }) => ({ ftp_did: folder.id })),
  native('vouchers/ls', () => ({})),
  ({ folder }) => ({ method: 'POST', path: '/upload.cgi?id=abc', ...form(folder.id) }),
  ({ folder }) => ({ path: `/dir/share${folder.id}?json=1` }),
  ({ file }) => ({
    method: 'POST',
    path: '/check_links.pl',
    body: new URLSearchParams({ 'links[]': url(file) }).toString(),
  }),
  apiAt('/nodes', ({ folder }) => `folder:${folder.id}`),
  apiAt('/nodes', ({ folder }) => folder.path),
  apiAt('/nodes', ({ file }) => file.path),
  apiAt('/nodes', ({ file }) => url(file)),
  apiAt('/children', ({ folder }) => `folder:${folder.id}`),
  apiAt('/children', ({ folder }) => folder.path),
  ({ folder }) => ({ path: `/api/v1/children?refresh=1&at=folder:${folder.id}` }),
  apiAt('/content', ({ file }) => `file:${file.id}`),
  apiAt('/content', ({ file }) => file.path),
  apiAt('/attributes', ({ file }) => url(file)),
  ({ file }) => ({ method: 'HEAD', path: `/api/v1/content?at=${encodeURIComponent(url(file))}` }),
  api('POST', '/folders', ({ folder, name }) => ({ at: `${folder.path}/${name}` })),
  api('POST', '/folders', ({ folder, name }) => ({ at: `${folder.path}/${name}`, parents: true })),
  api('POST', '/move', ({ file, other }) => ({ from: [`file:${file.id}`], to: `folder:${other.id}` })),
  api('POST', '/move', ({ folder, other }) => ({ from: [folder.path], to: `folder:${other.id}` })),
  api('POST', '/move', ({ file, other, name }) => ({ from: [url(file)], to: `${other.path}/${name}` })),
  api('POST', '/copy', ({ file, other }) => ({ from: [`file:${file.id}`], to: other.path })),
  api('POST', '/remove', ({ file }) => ({ at: [url(file)] })),
  api('POST', '/remove', ({ folder }) => ({ at: [`folder:${folder.id}`], recursive: true, dryRun: true })),
  api('POST', '/remove', ({ folder }) => ({ at: [folder.path], recursive: true })),
  api('POST', '/share', ({ folder }) => ({ at: `folder:${folder.id}`, public: true })),
  api('POST', '/attributes', ({ file }) => ({ at: [url(file)], description: 'x', cdn: true })),
  api('POST', '/scan', ({ file }) => ({ at: `file:${file.id}` })),
  api('POST', '/direct', ({ file }) => ({ at: `file:${file.id}` })),
  api('POST', '/remote', ({ folder }) => ({ urls: ['https://example.com/x'], at: `folder:${folder.id}` })),
  api('GET', '/remote'),
  api('GET', '/remote/1'),
  api('GET', '/account'),
  api('GET', '/status'),
  api('GET', '/keys'),
  api('GET', '/transfers'),
  api('POST', '/seal', () => ({})),
  ({ folder, name }) => ({
    method: 'PUT',
    path: `/api/v1/content?wait=0&at=${encodeURIComponent(`${folder.path}/${name}`)}`,
    body: 'new content',
  }),
]

function form(folder: FolderId): Pick<Ask, 'headers' | 'body'> {
  const part = (head: string, body: string): string =>
    `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: `${part('name="did"', String(folder))}${part('name="file[]"; filename="new-up"', 'content')}--b--\r\n`,
  }
}
