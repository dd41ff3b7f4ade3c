import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectGuichet, type Transport } from '@guichet/sdk'
import { findWanted } from './sources.ts'

const options = { recursive: true, signal: new AbortController().signal }

describe('what is to be fetched', () => {
  it('is put nowhere else by a folder of such a name, wherever it stands', async () => {
    for (const name of ['..', '../..', 'a/../../b', '/etc', '.', 'a\0b']) {
      const top = findWanted(gatewayWith({ top: name, inner: 'fine' }), ['folder:1'], options)
      await assert.rejects(top, { code: 'invalid', message: /cannot be made here/ }, name)
      const inner = findWanted(gatewayWith({ top: 'fine', inner: name }), ['folder:1'], options)
      await assert.rejects(inner, { code: 'invalid', message: /cannot be made here/ }, name)
    }
    const { folders } = await findWanted(gatewayWith({ top: 'fine', inner: 'too' }), ['folder:1'], options)
    assert.deepEqual(folders, ['fine', 'fine/too'])
  })
})

/** A gateway that answers with one folder in another. */
function gatewayWith({ top, inner }: { readonly top: string; readonly inner: string }) {
  const folder = (id: number, name: string) => ({ kind: 'folder', id, name, path: `/${name}` })
  const outer = folder(1, top)
  const below = folder(2, inner)
  const answers: Readonly<Record<string, unknown>> = {
    '/api/v1/nodes?at=folder%3A1': { node: outer },
    '/api/v1/children?at=folder%3A1': { folder: outer, folders: [below], files: [], ageMs: 0 },
    '/api/v1/children?at=folder%3A2': { folder: below, folders: [], files: [], ageMs: 0 },
  }
  const transport: Transport = async ({ path }) => ({
    status: path in answers ? 200 : 404,
    headers: { 'content-type': 'application/json' },
    body: bytesOf(JSON.stringify(answers[path] ?? { code: 'not-found', message: path, requestId: '0' })),
  })
  return connectGuichet({ transport })
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
