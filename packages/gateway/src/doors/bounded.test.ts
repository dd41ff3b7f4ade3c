import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { VERBS } from '@guichet/core'
import { z } from 'zod'
import { list, texts } from './bounded.ts'
import { type Counter, openCounter } from './counter.testing.ts'

const WRONG = Array.from({ length: 50_000 }, () => 1)

describe('what is too long', () => {
  it('is one problem, not one for each of its entries', () => {
    const shapes = [
      [list(z.string()), WRONG],
      [list(z.never()), WRONG],
      [texts, Object.fromEntries(WRONG.entries())],
      [texts, WRONG],
    ] as const
    for (const [shape, value] of shapes) {
      const { success, error } = shape.safeParse(value)
      assert.equal(success, false)
      assert.equal(error?.issues.length, 1)
    }
    assert.deepEqual(texts.parse({ Name: 'value' }), { Name: 'value' })
  })
})

describe('a request with a list without end', () => {
  let counter: Counter
  let key: string
  before(async () => {
    counter = await openCounter()
    key = (await counter.key({ verbs: VERBS })).text
  })
  after(() => counter[Symbol.asyncDispose]())

  it('is refused at every place that takes a list', async () => {
    const url = 'https://1fichier.com/?abcde12345'
    const pages = ['http://a.example.org/']
    const named = Object.fromEntries(WRONG.entries())
    const asked = [
      ...['ip', 'country', 'email'].map((name) =>
        counter.native(key, 'file/chattr', { urls: [url], acl: { [name]: WRONG } }),
      ),
      counter.native(key, 'file/chattr', { urls: [url], acl: WRONG }),
      counter.native(key, 'file/chattr', { urls: WRONG }),
      counter.native(key, 'file/rename', { urls: WRONG }),
      counter.native(key, 'file/rm', { files: WRONG }),
      counter.native(key, 'folder/share', { folder_id: 1, shares: WRONG }),
      counter.native(key, 'remote/request', { urls: WRONG }),
      counter.native(key, 'remote/request', { urls: pages, headers: WRONG }),
      counter.native(key, 'remote/request', { urls: pages, headers: named }),
      counter.api(key, 'POST', '/remove', { at: WRONG }),
      ...['addresses', 'countries', 'emails'].map((name) =>
        counter.api(key, 'POST', '/attributes', { at: ['/a'], access: { [name]: WRONG } }),
      ),
      counter.api(key, 'POST', '/share', { at: '/a', users: WRONG }),
      counter.api(key, 'POST', '/remote', { urls: pages, headers: named }),
    ]
    for (const { status, text } of await Promise.all(asked)) {
      assert.equal(status, 400, text)
      assert.doesNotMatch(text, /and \d+ more/)
    }
    assert.deepEqual(counter.calls(), [])
  })
})
