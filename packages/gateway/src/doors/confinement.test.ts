import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FolderId, parseFolderId, ROOT, VERBS, type Verb } from '@guichet/core'
import fc from 'fast-check'
import { type Answer, type Ask, type Counter, openCounter } from './counter.testing.ts'

/** Something of the account, and how it stands to the root of the key. */
interface Thing {
  readonly standing: 'inside' | 'above' | 'outside' | 'never'
  readonly path: string
}
interface Folder extends Thing {
  readonly id: FolderId
}
interface File extends Thing {
  readonly id: string
  readonly folder: FolderId
  readonly name: string
  readonly sizeBytes: number
}
interface Forest {
  readonly folders: readonly Folder[]
  readonly files: readonly File[]
  readonly root: Folder
}

const NEVER_FOLDER: Folder = { standing: 'never', path: '/not-a/not-b', id: parseFolderId(987_654_321) }
const NEVER_FILE: File = {
  standing: 'never',
  path: '/not-a/not-f',
  id: 'zzzzzzzzzzzzzzzzzzzz',
  folder: NEVER_FOLDER.id,
  name: 'not-f',
  sizeBytes: 0,
}

/** A random tree: parents by index, one of the folders as the root of the key, two files in each folder. */
const shapes = fc.record({
  parents: fc.array(fc.nat(), { minLength: 4, maxLength: 9 }),
  root: fc.nat(),
  verbs: fc.oneof(fc.constant(VERBS), fc.subarray([...VERBS])),
})

async function plantForest(counter: Counter, parents: readonly number[], rootIndex: number): Promise<Forest> {
  const ids: FolderId[] = [ROOT]
  const parentOf: number[] = [0]
  // The root of the key is never that of the account, and sits somewhere below.
  const root = 1 + (rootIndex % parents.length)
  for (const [index, wish] of parents.entries()) {
    const parent = wish % ids.length
    parentOf.push(parent)
    ids.push(ids[0] ?? ROOT)
    ids[index + 1] = parseFolderId(index + 1)
  }
  const chain = (index: number): readonly number[] =>
    index === 0 ? [0] : [...chain(parentOf[index] ?? 0), index]
  const standingOf = (index: number): Thing['standing'] =>
    chain(index).includes(root) ? 'inside' : chain(root).includes(index) ? 'above' : 'outside'
  const nameOf = (index: number): string =>
    `${standingOf(index) === 'outside' ? 'out' : standingOf(index) === 'above' ? 'way' : 'in'}-${index}`
  const pathOf = (index: number): string => `/${chain(index).slice(1).map(nameOf).join('/')}`
  // Ids of folders get four digits, so that they are nothing else in an answer.
  for (let burnt = 0; burnt < 4_000; burnt += 1) counter.account.plant(ROOT, 'x', new Uint8Array(0), 0)
  counter.account.files.clear()
  const real: FolderId[] = [ROOT]
  for (let index = 1; index <= parents.length; index += 1) {
    real.push(await counter.account.makeFolder(nameOf(index), real[parentOf[index] ?? 0] ?? ROOT, {}))
  }
  const folders = real.map((id, index) => ({ id, standing: standingOf(index), path: pathOf(index) }))
  const files = folders.flatMap((folder, index) =>
    ['f', 'dup'].map((word, which) => {
      const isInside = folder.standing === 'inside'
      // One file of each folder has the same name everywhere.
      const name = word === 'dup' ? 'dup' : `${isInside ? 'in' : 'out'}-${index}-f`
      const sizeBytes = isInside ? 3 : 70_000 + 2 * index + which
      const { link } = counter.account.plant(folder.id, name, new Uint8Array(sizeBytes), 1e12)
      const standing: Thing['standing'] = isInside ? 'inside' : 'outside'
      return { id: link.id, name, folder: folder.id, sizeBytes, standing, path: `${folder.path}/${name}` }
    }),
  )
  for (const { id } of folders) await counter.account.shareFolder(id, { public: true }, {})
  const found = folders[root]
  assert.ok(found)
  return { folders, files, root: found }
}

/** One request, with places for things of the account. */
type Template = (things: {
  readonly folder: Folder
  readonly other: Folder
  readonly file: File
  readonly name: string
}) => Ask

const json = { 'content-type': 'application/json' }
const native =
  (endpoint: string, body: (things: Parameters<Template>[0]) => object): Template =>
  (things) => ({
    method: 'POST',
    path: `/v1/${endpoint}.cgi`,
    headers: json,
    body: JSON.stringify(body(things)),
  })
const api =
  (method: string, where: string, body?: (things: Parameters<Template>[0]) => object): Template =>
  (things) => ({
    method,
    path: `/api/v1${where}`,
    headers: json,
    body: body === undefined ? undefined : JSON.stringify(body(things)),
  })
const apiAt =
  (where: string, at: (things: Parameters<Template>[0]) => string): Template =>
  (things) => ({ path: `/api/v1${where}?at=${encodeURIComponent(at(things))}` })
const url = (file: File): string => `https://1fichier.com/?${file.id}`

const TEMPLATES: readonly Template[] = [
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

describe('a key with a root (K5, K6)', () => {
  it('neither sees nor changes what is outside, and cannot tell it from what never was', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.infiniteStream(fc.nat()), async ({ parents, root, verbs }, numbers) => {
        await using counter = await openCounter()
        const forest = await plantForest(counter, parents, root)
        await learnAll(counter, forest)
        const { text } = await counter.key({
          name: 'confined',
          verbs,
          root: forest.root.id,
          rootPath: forest.root.path,
        })
        const before = await outsideOf(counter, forest)
        const next = (below: number): number => (numbers.next().value ?? 0) % below
        const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T
        for (let round = 0; round < 45; round += 1) {
          const template = pick(TEMPLATES)
          const things = {
            folder: pick([...forest.folders, NEVER_FOLDER]),
            other: pick([...forest.folders, NEVER_FOLDER]),
            file: pick([...forest.files, NEVER_FILE]),
            name: `new-${round}`,
          }
          await checkCall(counter, text, forest, template, things)
        }
        assert.deepEqual(await outsideOf(counter, forest), before, 'nothing outside has changed')
      }),
      { numRuns: 9 },
    )
  })
})

async function checkCall(
  counter: Counter,
  key: string,
  forest: Forest,
  template: Template,
  things: Parameters<Template>[0],
): Promise<void> {
  const request = template(things)
  counter.calls()
  const answer = await counter.ask({ ...request, key })
  const calls = callsOf(counter)
  const where = `${request.method ?? 'GET'} ${request.path} ${request.body ?? ''} → ${answer.status} ${answer.text}`
  assert.ok(answer.status !== 500, where)
  refuseLeaks(answer, forest, request, where)

  const twins = {
    folder: things.folder.standing === 'outside' ? NEVER_FOLDER : things.folder,
    other: things.other.standing === 'outside' ? NEVER_FOLDER : things.other,
    file: things.file.standing === 'outside' ? neverLike(things.file, forest) : things.file,
    name: things.name,
  }
  const twin = template(twins)
  const isAboutOutside =
    JSON.stringify([twin.path, twin.body]) !== JSON.stringify([request.path, request.body])
  if (!isAboutOutside) return
  assert.ok(answer.status >= 400, where)
  const same = await counter.ask({ ...twin, key })
  const sameCalls = callsOf(counter)
  assert.equal(same.status, answer.status, where)
  assert.equal(blank(same, twins), blank(answer, things), where)
  assert.deepEqual(calls, sameCalls, `${where}: the calls tell them apart`)
  const isMixed = [things.folder, things.other, things.file].some(({ standing }) => standing === 'above')
  if (!isMixed) assert.deepEqual(calls, [], `${where}: asked upstream`)
}

/** What the request asked for: content that was taken before goes on its way by itself. */
function callsOf(counter: Counter): readonly string[] {
  return counter.calls().filter((name) => !name.startsWith('upload'))
}

/** A file that never was, in the same folder where that can be seen. */
function neverLike(file: File, forest: Forest): File {
  const folder = forest.folders.find(({ id }) => id === file.folder)
  if (folder === undefined || folder.standing === 'outside') return NEVER_FILE
  return { ...NEVER_FILE, folder: file.folder, path: `${folder.path === '/' ? '' : folder.path}/not-f` }
}

/** An answer without what the client itself has named, and without the number of the request. */
function blank(answer: Answer, { folder, other, file }: Parameters<Template>[0]): string {
  let text = answer.text.replace(/"requestId":"[0-9a-f]+"/, '')
  for (const thing of [file, folder, other]) {
    if (thing.standing !== 'outside' && thing.standing !== 'never') continue
    text = text.replaceAll(thing.path.replace('//', '/'), '#').replaceAll(thing.path, '#')
    text = text.replaceAll(new RegExp(`\\b${thing.id}\\b`, 'g'), '#')
    if ('name' in thing)
      text = text.replaceAll(new RegExp(`"${thing.name}"`.replaceAll('"', '\\\\?"'), 'g'), '#')
  }
  // A path is refused where it leaves what the key sees: what stands before that is its own.
  return text
    .replaceAll(/there is no [^(}]*/g, 'there is no #')
    .replaceAll(/guichet ls [^`]*/g, 'guichet ls #')
}

function refuseLeaks(answer: Answer, forest: Forest, request: Ask, where: string): void {
  const told = `${answer.text}\n${Object.values(answer.headers).join('\n')}`
  const asked = decodeURIComponent(`${request.path} ${String(request.body ?? '')}`)
  for (const file of forest.files) {
    if (file.standing === 'inside') continue
    if (file.name !== 'dup' && !asked.includes(file.name)) assert.ok(!told.includes(file.name), where)
    if (!asked.includes(file.id)) assert.ok(!told.includes(file.id), where)
    assert.ok(!new RegExp(`(?<!\\d)${file.sizeBytes}(?!\\d)`).test(told), where)
  }
  for (const folder of forest.folders) {
    if (folder.standing !== 'inside') assert.ok(!told.includes(`/dir/share${folder.id}`), where)
    const name = folder.path.split('/').at(-1) ?? ''
    if (folder.standing !== 'outside' || asked.includes(name)) continue
    assert.ok(!new RegExp(`${name}\\b`).test(told), where)
    if (answer.status < 400)
      assert.ok(!new RegExp(`"(?:id|folder_id|folderId|ftp_did)":${folder.id}\\b`).test(told), where)
  }
}

/** The owner has listed everything: what the tree knows is what could leak. */
async function learnAll(counter: Counter, forest: Forest): Promise<void> {
  const { text } = await counter.key({ name: 'learner', verbs: VERBS as readonly Verb[] })
  for (const { id } of forest.folders) await counter.native(text, 'folder/ls', { folder_id: id })
}

async function outsideOf(counter: Counter, forest: Forest): Promise<unknown> {
  const seen = []
  for (const folder of forest.folders) {
    if (folder.standing === 'inside') continue
    const { folders, files, name, publicUrl } = await counter.account.listFolder(folder.id, {})
    seen.push({ name, publicUrl, files, folders: folders.map((child) => [child.id, child.name]) })
  }
  return seen
}
