import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFolderPlace, parsePlace, pathInside } from './places.ts'

describe('places', () => {
  it('are paths, folder ids, links and ids', () => {
    const cases: readonly [string, string][] = [
      ['/', '/'],
      ['/a//b/./c/', '/a/b/c'],
      ['folder:123', 'folder:123'],
      ['https://1fichier.com/?2zk52quqlm0cbjr93ri5', 'https://1fichier.com/?2zk52quqlm0cbjr93ri5'],
      ['1fichier.com/?2zk52quqlm0cbjr93ri5&af=12', 'https://1fichier.com/?2zk52quqlm0cbjr93ri5'],
      ['https://2zk52quqlm0cbjr93ri5.1fichier.com/', 'https://1fichier.com/?2zk52quqlm0cbjr93ri5'],
      ['https://megadl.fr/?abcde', 'https://megadl.fr/?abcde'],
      ['?abcde', 'https://1fichier.com/?abcde'],
      ['2zk52quqlm0cbjr93ri5', 'https://1fichier.com/?2zk52quqlm0cbjr93ri5'],
      ['https://1fichier.com/dir/abc123', 'https://1fichier.com/dir/abc123'],
    ]
    for (const [text, place] of cases) assert.equal(parsePlace(text), place)
  })

  it('that are none are refused with what was meant', () => {
    for (const text of [
      '',
      'a',
      'folder:',
      'folder:x',
      'https://example.com/x',
      '/a/../b',
      'C:\\x',
      '?',
      '-',
    ]) {
      assert.throws(() => parsePlace(text), { code: 'invalid' }, text)
    }
    assert.throws(() => parsePlace('photos'), { hint: /"\/photos"/ })
    assert.throws(() => parsePlace('https://example.com/x'), { hint: /remote add/ })
  })

  it('to put things into are folders', () => {
    assert.equal(parseFolderPlace('/a'), '/a')
    assert.throws(() => parseFolderPlace('https://1fichier.com/?abcde'), { code: 'invalid' })
  })

  it('inside others have one slash between', () => {
    assert.equal(pathInside('/', 'a', 'b'), '/a/b')
    assert.equal(pathInside('/x', 'a'), '/x/a')
  })
})
