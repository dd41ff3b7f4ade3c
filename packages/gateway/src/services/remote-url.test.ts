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

  it('does not lead into anybody’s own network, by any spelling (R3)', () => {
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
      '0',
      '0.0.0.0',
      '017700000001',
      '0x7f000001',
      '127.000.000.001',
      '１２７.０.０.１',
      '127。0。0。1',
      '①②⑦.⓪.⓪.①',
      '%31%32%37.0.0.1',
      '169.254.169.254:80',
      'example.com@127.0.0.1',
      'user:secret@[fd00::1]:8080',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[2001:0:7f00:1::]',
      '[fe80::1]',
      '[ff02::1]',
      'ｌｏｃａｌｈｏｓｔ',
      'metadata.google.internal',
      'nas.lan',
      '8.8.8.8',
    ])
      assert.throws(() => toUrl(`http://${host}/`), { code: 'invalid' }, host)
  })

  it('is passed on in the one spelling that was checked, whatever others would read into it (R3)', () => {
    assert.equal(toUrl('http://example.com\\@127.0.0.1/').href, 'http://example.com/@127.0.0.1/')
    assert.equal(toUrl('http://ｅxample.com/').href, 'http://example.com/')
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
