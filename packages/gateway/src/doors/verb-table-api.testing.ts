import { parseTransferId, type Verb } from '@guichet/core'
import { sampleTransfer } from '@guichet/testkit'
import type { Ask } from './counter.testing.ts'
import { type Ground, JSON_TYPE, type Row, word } from './verb-table.testing.ts'

type Make<T> = (ground: Ground) => Promise<T> | T

const get = (route: string, needs: Row['needs'], how: string = '', at: Make<string> = () => ''): Row => ({
  route,
  how,
  needs,
  // An answer to HEAD has no body.
  refusal: route.startsWith('HEAD') ? 'status' : 'code',
  ask: async (ground) => ({
    method: route.split(' ')[0] ?? '',
    path: `/api/v1${route.split(' ')[1]}?at=${encodeURIComponent(await at(ground))}`,
  }),
})

const post = (route: string, needs: Row['needs'], how: string, body: Make<object>): Row => ({
  route: `POST ${route}`,
  how,
  needs,
  refusal: 'code',
  ask: async (ground) => ({
    method: 'POST',
    path: `/api/v1${route}`,
    headers: JSON_TYPE,
    body: JSON.stringify(await body(ground)),
  }),
})

const put = (needs: readonly Verb[], how: string, at: Make<string>): Row => ({
  route: 'PUT /content',
  how,
  needs,
  refusal: 'code',
  ask: async (ground) => ({
    method: 'PUT',
    path: `/api/v1/content?at=${await at(ground)}`,
    body: `content ${word()}`,
  }),
})

const byId = (route: string, needs: Row['needs'], ask: Row['ask']): Row => ({
  ...{ route, how: '', needs, refusal: 'code', ask },
})

/** What Guichet's own API takes. */
export const API_ROWS: readonly Row[] = [
  get('GET /nodes', ['stat'], '', ({ filePath }) => filePath),
  get('GET /nodes', ['stat'], 'by id', ({ file }) => `file:${file.link.id}`),
  get('GET /children', ['list'], '', ({ folderPath }) => folderPath),
  get('GET /attributes', ['stat'], '', ({ filePath }) => filePath),
  get('GET /content', ['download'], '', ({ filePath }) => filePath),
  get('HEAD /content', ['download'], '', ({ filePath }) => filePath),
  put(['upload'], 'new', ({ folderPath }) => `${folderPath}/${word()}`),
  put(['upload', 'mkdir'], 'into a new folder', ({ folderPath }) => `${folderPath}/${word()}/x&parents=1`),
  put(['upload', 'delete'], 'over another', ({ filePath }) => `${filePath}&overwrite=1`),
  post('/folders', ['mkdir'], '', ({ folderPath }) => ({ at: `${folderPath}/${word()}` })),
  post('/folders', ['mkdir'], 'with parents', ({ folderPath }) => ({
    ...{ at: `${folderPath}/${word()}/b`, parents: true },
  })),
  post('/move', ['move'], '', ({ url }) => ({ from: [url], to: '/' })),
  post('/move', ['rename'], 'to where it is', ({ filePath }) => ({
    from: [filePath],
    to: `${filePath}-new`,
  })),
  post('/move', ['move', 'rename'], 'with a new name', ({ url }) => ({ from: [url], to: `/${word()}` })),
  post('/move', ['move'], 'a folder', ({ emptyPath }) => ({ from: [emptyPath], to: '/' })),
  post('/copy', ['copy'], '', ({ url }) => ({ from: [url], to: '/' })),
  post('/remove', ['delete'], '', ({ url }) => ({ at: [url] })),
  post('/remove', ['delete'], 'only counted', ({ url }) => ({ at: [url], dryRun: true })),
  post('/remove', ['delete'], 'a folder', ({ emptyPath }) => ({ at: [emptyPath], recursive: true })),
  post('/share', ['share'], '', ({ folderPath }) => ({ at: folderPath, public: true })),
  post('/share', ['share'], 'with people', ({ folderPath }) => ({
    ...{ at: folderPath, users: [{ email: 'a@example.com' }] },
  })),
  post('/share', ['share', 'password'], 'with a password', ({ folderPath }) => ({
    ...{ at: folderPath, public: true, pass: 'secret' },
  })),
  post('/attributes', ['rename'], 'description', ({ url }) => ({ at: [url], description: 'x' })),
  post('/attributes', ['rename'], 'inline', ({ url }) => ({ at: [url], inline: true })),
  post('/attributes', ['rename'], 'without TLS', ({ url }) => ({ at: [url], withoutTls: true })),
  post('/attributes', ['password'], 'password', ({ url }) => ({ at: [url], pass: 'secret' })),
  post('/attributes', ['share'], 'access', ({ url }) => ({ at: [url], access: {} })),
  post('/attributes', ['cdn'], 'CDN', ({ url }) => ({ at: [url], cdn: true })),
  post('/scan', ['delete'], '', ({ url }) => ({ at: url })),
  post('/direct', ['direct'], '', ({ url }) => ({ at: url })),
  post('/tickets', ['download'], '', ({ url }) => ({ at: url, forMs: 60_000 })),
  get('GET /account', ['account']),
  get('GET /status', ['account']),
  post('/remote', ['remote-upload'], '', ({ folderPath }) => ({
    ...{ urls: ['https://example.com/x'], at: folderPath },
  })),
  get('GET /remote', ['remote-upload']),
  byId('GET /remote/:id', ['remote-upload'], async ({ counter, folder }) => {
    const id = await counter.account.remote.start([new URL('https://example.com/x')], folder, {}, {})
    return { path: `/api/v1/remote/${id}` }
  }),
  byId('GET /transfers/:id', ['upload'], transfer),
  get('GET /transfers', 'owner'),
  get('GET /keys', 'owner'),
  byId('GET /keys/:id', 'owner', () => ({ path: '/api/v1/keys/k-00000000' })),
  byId('DELETE /keys/:id', 'owner', () => ({ method: 'DELETE', path: '/api/v1/keys/k-00000000' })),
  byId('POST /keys/:id/limits', 'owner', () => ({ method: 'POST', path: '/api/v1/keys/k-00000000/limits' })),
  byId('POST /keys/:id/rotate', 'owner', () => ({ method: 'POST', path: '/api/v1/keys/k-00000000/rotate' })),
  post('/explain', 'owner', '', () => ({ key: 'k-00000000', verb: 'list', at: '/' })),
  post('/keys', 'owner', '', () => ({ name: word(), verbs: ['list'] })),
  post('/leaked-keys', 'owner', '', () => ({ keys: [word()] })),
  get('GET /ledger', 'owner'),
  get('GET /ledger/checkpoint', 'owner'),
  post('/notes', 'owner', '', () => ({ what: word() })),
  post('/panic', 'owner', '', () => ({})),
  get('GET /approvals', 'owner'),
  byId('GET /approvals/:id', 'owner', () => ({ path: '/api/v1/approvals/a-000000.1' })),
  byId('POST /approvals/:id', 'owner', () => ({
    method: 'POST',
    path: '/api/v1/approvals/a-000000.1',
    headers: { 'content-type': 'application/json' },
    body: '{"decision":"no"}',
  })),
  get('GET /trash', 'owner'),
  post('/trash/restore', 'owner', '', () => ({ ids: ['00000'] })),
  post('/trash/empty', 'owner', '', () => ({ what: 'due' })),
  post('/resume', 'owner', '', () => ({})),
  post('/seal', 'owner', '', () => ({})),
]

/** An upload of the key that has failed. */
async function transfer({ counter, folder }: Ground, text: string): Promise<Ask> {
  const { key } = await counter.services.principals.authenticate(
    { kind: 'bearer', secret: text },
    '127.0.0.1',
  )
  const id = parseTransferId(`${word()}${word()}`)
  const state = { kind: 'failed', code: 'corrupt', message: 'damaged', failedMs: 0 } as const
  await counter.journal.add([sampleTransfer(1, { id, upload: `${key}/${id}`, key, folder, state })])
  return { path: `/api/v1/transfers/${id}` }
}
