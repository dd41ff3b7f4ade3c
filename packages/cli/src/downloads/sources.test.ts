import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectGuichet, type Guichet, type Transport } from '@guichet/sdk'
import { findWanted } from './sources.ts'

const options = { recursive: true, signal: new AbortController().signal }

describe('what is to be fetched', () => {
  it('is put nowhere else by a folder of such a name, wherever it stands', async () => {
    for (const name of ['..', '../..', 'a/../../b', '/etc', '.', 'a\0b']) {
      const top = findWanted(nested({ top: name, inner: 'fine' }), ['folder:1'], options)
      await assert.rejects(top, { code: 'invalid', message: /cannot be made here/ }, name)
      const inner = findWanted(nested({ top: 'fine', inner: name }), ['folder:1'], options)
      await assert.rejects(inner, { code: 'invalid', message: /cannot be made here/ }, name)
    }
    const { folders } = await findWanted(nested({ top: 'fine', inner: 'too' }), ['folder:1'], options)
    assert.deepEqual(folders, ['fine', 'fine/too'])
  })

  it('is not taken for all of a folder that holds more than can be listed', async () => {
    const many = folder(1, 'many')
    const link = 'https://1fichier.com/?abcde'
    const place = { kind: 'file', id: 'abcde', name: 'a', path: '/many/a', folderId: 1 }
    const file = { ...place, sizeBytes: 1, dateMs: 0, link, hasPassword: false }
    const guichet = gatewayThatAnswers({
      '/api/v1/nodes?at=folder%3A1': { node: many },
      '/api/v1/children?at=folder%3A1': { folder: many, folders: [], files: [file], ageMs: 0, isCut: true },
    })
    const { files, refused } = await findWanted(guichet, ['folder:1'], options)
    assert.equal(files.length, 1)
    assert.deepEqual(
      refused.map(({ source, error }) => [source, error.code]),
      [['/many', 'too-large']],
    )
  })
})

/** A gateway that answers with one folder in another. */
function nested({ top, inner }: { readonly top: string; readonly inner: string }): Guichet {
  const outer = folder(1, top)
  const below = folder(2, inner)
  return gatewayThatAnswers({
    '/api/v1/nodes?at=folder%3A1': { node: outer },
    '/api/v1/children?at=folder%3A1': { folder: outer, folders: [below], files: [], ageMs: 0, isCut: false },
    '/api/v1/children?at=folder%3A2': { folder: below, folders: [], files: [], ageMs: 0, isCut: false },
  })
}

function folder(id: number, name: string) {
  return { kind: 'folder', id, name, path: `/${name}` } as const
}

function gatewayThatAnswers(answers: Readonly<Record<string, unknown>>): Guichet {
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
