import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from './errors.ts'
import { NAME_LENGTH_MAX, parseName, parsePath, pathText } from './names.ts'

describe('a name', () => {
  it('is taken as it is, in any script and any Unicode form', () => {
    const names = [
      'a',
      '...',
      'été.txt',
      'e\u0301te\u0301.txt',
      '日本😀',
      'a b',
      'a:b*c?d|e',
      'a;b=c&d',
      '´',
      'x'.repeat(NAME_LENGTH_MAX),
    ]
    for (const name of names) assert.equal(parseName(name), name)
  })

  it('is refused when 1fichier would refuse it, or could not keep it', () => {
    const names = [
      '',
      '.',
      '..',
      ...[...'\\<>"\'$`/'].map((character) => `a${character}b`),
      ' a',
      'a ',
      'a\u0000b',
      'a\nb',
      'a\u007fb',
      'a\u0085b',
      'a\ud800b',
      'x'.repeat(NAME_LENGTH_MAX + 1),
    ]
    for (const name of names) {
      assert.throws(
        () => parseName(name),
        (failure) => failure instanceof GatewayError && failure.code === 'invalid',
        JSON.stringify(name),
      )
    }
  })
})

describe('a path', () => {
  it('is taken apart and put together', () => {
    for (const text of ['/a/b', 'a/b', '//a/./b/']) assert.deepEqual(parsePath(text), ['a', 'b'], text)
    assert.deepEqual(parsePath('/'), [])
    assert.equal(pathText(['a', 'b']), '/a/b')
    assert.equal(pathText([]), '/')
  })

  it('does not go upwards', () => {
    assert.throws(() => parsePath('/a/../b'), { code: 'invalid' })
  })
})
