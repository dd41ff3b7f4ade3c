import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileDetails, ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from '../doors/counter.testing.ts'

const CONTENT = Buffer.from('content')

/** A file in a folder of which nothing is known yet. */
async function withUnlisted() {
  const counter = await openCounter()
  const { text: key } = await counter.key({ verbs: VERBS })
  const folder = await counter.account.makeFolder('folder', ROOT, {})
  const { link } = counter.account.plant(folder, 'file', CONTENT, 1e12)
  counter.calls()
  return { counter, key, folder, at: `https://1fichier.com/?${link.id}` }
}

/** From here on 1fichier tells no folder of a file, as it does of other people's. */
function disown(counter: Counter): void {
  const foreign = async (go: () => Promise<unknown>): Promise<FileDetails> => ({
    ...((await go()) as FileDetails),
    folder: undefined,
  })
  counter.fail('fileInfo', ...Array.from({ length: 10 }, () => foreign))
}

describe('a link that the tree does not know', () => {
  it('is found in its folder by one question, and known from then on', async () => {
    const { counter, key, at } = await withUnlisted()
    await using _ = counter
    const { status, json } = await counter.api(key, 'GET', `/nodes?at=${encodeURIComponent(at)}`)
    assert.equal(status, 200)
    assert.equal((json['node'] as Record<string, unknown>)['name'], 'file')
    assert.deepEqual(counter.calls(), ['fileInfo', 'listFolder'])
    assert.equal(
      (await counter.api(key, 'GET', `/content?at=${encodeURIComponent(at)}`)).text,
      String(CONTENT),
    )
    const removed = await counter.api(key, 'POST', '/remove', { at: [at] })
    assert.deepEqual(removed.json, { files: 1, folders: 0, bytes: CONTENT.length })
    assert.ok(!counter.calls().includes('fileInfo'))
  })

  it("of somebody else's file can be looked at, fetched and copied, and nothing else", async () => {
    const { counter, key, at } = await withUnlisted()
    await using _ = counter
    disown(counter)
    const seen = await counter.api(key, 'GET', `/nodes?at=${encodeURIComponent(at)}`)
    assert.equal((seen.json['node'] as Record<string, unknown>)['path'], at)
    assert.equal(
      (await counter.api(key, 'GET', `/content?at=${encodeURIComponent(at)}`)).text,
      String(CONTENT),
    )
    for (const [path, body] of [
      ['/remove', { at: [at] }],
      ['/move', { from: [at], to: '/' }],
      ['/attributes', { at: [at], inline: true }],
    ] as const) {
      const { status, json } = await counter.api(key, 'POST', path, body)
      assert.equal(status, 404, path)
      assert.match(String(json['message']), /is no file of this account/)
    }
    const { json } = await counter.api(key, 'POST', '/copy', { from: [at], to: '/mine' })
    assert.deepEqual(
      (json['nodes'] as Record<string, unknown>[]).map(({ path }) => path),
      ['/mine'],
    )
  })

  it('is asked for by no key that is confined, or may not', async () => {
    const { counter, folder, at } = await withUnlisted()
    await using _ = counter
    const other = await counter.account.makeFolder('other', ROOT, {})
    const { text: confined } = await counter.key({ verbs: VERBS, root: other, rootPath: '/other' })
    const { text: mute } = await counter.key({ verbs: ['upload'] })
    counter.calls()
    for (const key of [confined, mute]) {
      for (const [method, path, body] of [
        ['GET', `/nodes?at=${encodeURIComponent(at)}`, undefined],
        ['GET', `/content?at=${encodeURIComponent(at)}`, undefined],
        ['POST', '/copy', { from: [at], to: `folder:${folder}` }],
      ] as const) {
        const { status } = await counter.api(key, method, path, body)
        assert.equal(status, key === mute ? 403 : 404, path)
      }
    }
    assert.deepEqual(counter.calls(), [])
  })
})

describe('a new folder', () => {
  it('takes no name from a file, and with its parents is content with what is there', async () => {
    await using counter = await openCounter()
    const { text: key } = await counter.key({ verbs: VERBS })
    counter.account.plant(ROOT, 'file', CONTENT, 1e12)
    for (const body of [{ at: '/file' }, { at: '/file', parents: true }, { at: '/file/x', parents: true }]) {
      const { status, json } = await counter.api(key, 'POST', '/folders', body)
      assert.deepEqual([status, json['message']], [409, '/file is a file, not a folder'])
    }
    assert.equal((await counter.api(key, 'POST', '/folders', { at: '/', parents: true })).status, 200)
    assert.equal((await counter.api(key, 'POST', '/folders', { at: '/' })).status, 409)
  })
})
