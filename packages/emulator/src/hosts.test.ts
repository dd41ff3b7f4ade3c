import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { classifyHost, fileLink, parseFileLink } from './hosts.ts'

describe('hosts', () => {
  it('tells the API, the nodes and the sites apart', () => {
    assert.deepEqual(classifyHost('api.1fichier.com:443'), { kind: 'api' })
    assert.equal(classifyHost('up2.1fichier.com').kind, 'upload')
    assert.equal(classifyHost('ru-3.1fichier.com').kind, 'upload')
    assert.equal(classifyHost('a-4.1fichier.com').kind, 'download')
    assert.deepEqual(classifyHost('megadl.fr'), { kind: 'site', domain: 5, fileId: undefined })
    assert.deepEqual(classifyHost('abcde12345.1fichier.com'), {
      kind: 'site',
      domain: 0,
      fileId: 'abcde12345',
    })
    assert.equal(classifyHost('example.com').kind, 'unknown')
  })

  it('reads a link back, and none with an affiliate suffix', () => {
    assert.deepEqual(parseFileLink(fileLink(2, 'abc123')), { domain: 2, fileId: 'abc123', inline: false })
    assert.equal(parseFileLink('https://1fichier.com/?abc123&inline=1')?.inline, true)
    assert.equal(parseFileLink('https://abc123.1fichier.com/')?.fileId, 'abc123')
    assert.equal(parseFileLink('https://1fichier.com/?abc123&af=62851'), undefined)
    assert.equal(parseFileLink('https://example.com/?abc123'), undefined)
  })
})
