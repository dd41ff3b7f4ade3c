import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toUrl } from './remote-url.ts'

describe('an address that 1fichier may fetch', () => {
  it('is one of the web or FTP, under a public name', () => {
    for (const text of [
      'https://example.com/a?b=c',
      'http://example.com:8080/',
      'ftp://user:pass@ftp.example.org/x',
    ])
      assert.equal(toUrl(text).href, new URL(text).href)
  })

  it('does not lead into anybody’s own network, by any spelling', () => {
    for (const host of [
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '2130706433',
      '0177.0.0.1',
      '127.0.0.1.',
      '10.0.0.1',
      '[::1]',
      '[::ffff:10.0.0.1]',
      'localhost',
      'localhost.',
      'LOCALHOST',
      'a.localhost',
      'nas.local',
      'nas.local.',
      'printer.home.arpa',
      'db.internal',
      'router',
      'router.',
    ])
      assert.throws(() => toUrl(`http://${host}/`), { code: 'invalid' }, host)
  })

  it('is not one of 1fichier itself, through which a confined key would reach outside its root', () => {
    for (const host of ['1fichier.com', '1FICHIER.com.', 'a-1.1fichier.com', 'www.alterupload.com'])
      assert.throws(() => toUrl(`https://${host}/?abcdefghij`), /1fichier itself/, host)
  })

  it('is no other thing', () => {
    for (const text of [
      '',
      'x',
      'file:///etc/passwd',
      'gopher://example.com/',
      'javascript:1',
      'https://',
      '//example.com',
    ])
      assert.throws(() => toUrl(text), { code: 'invalid' }, text)
  })
})
