import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { createKeyText, GatewayError } from '@guichet/core'
import { createConcealer } from '@guichet/leaks'
import fc from 'fast-check'
import { createPrinter, printable, table } from './print.ts'

describe('what is printed', () => {
  it('never steers the terminal, whatever a name holds', () => {
    assert.equal(printable('\u001b[31mred\u001b[0m'), 'red')
    assert.equal(printable('a\u0007b\u0085c'), 'a\ufffdb\ufffdc')
    assert.equal(printable('gpj.\u202eexe'), 'gpj.\ufffdexe')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
        assert.doesNotMatch(printable(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      }),
    )
  })

  it('leaves ordinary names as they are', () => {
    assert.equal(printable('Été à la plage — 夏 🏖.jpg'), 'Été à la plage — 夏 🏖.jpg')
  })

  it('holds no secret that is known, in whatever writing, and no virtual key among the errors (K18)', () => {
    const known = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'
    const another = createKeyText((count) => randomBytes(count))
    for (const written of [known, Buffer.from(known).toString('base64'), encodeURIComponent(known)]) {
      const { print, output, errors } = collecting([known])
      print.line(`line ${written}`)
      print.json({ written })
      print.note(`note ${written} ${another}`)
      print.warning(`warning ${written} ${another}`, written)
      print.failure(new GatewayError('invalid', `failure ${written} ${another}`, { hint: written }))
      for (const text of [output(), errors()]) {
        assert.ok(!text.includes(written), text)
        assert.match(text, /\[secret\]/)
      }
      assert.ok(!errors().includes(another))
    }
  })

  it('shows a key that a command makes', () => {
    const made = createKeyText((count) => randomBytes(count))
    const { print, output } = collecting(['k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'])
    print.line(made)
    assert.equal(output(), `${made}\n`)
  })

  it('has its columns below each other', () => {
    assert.deepEqual(
      table(
        [
          ['a', '1'],
          ['bbb', '22'],
        ],
        [1],
      ),
      ['a     1', 'bbb  22'],
    )
  })
})

function collecting(known: readonly string[]): {
  readonly print: ReturnType<typeof createPrinter>
  output(): string
  errors(): string
} {
  const stream = (into: string[]): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        into.push(chunk.toString())
        done()
      },
    })
  const output: string[] = []
  const errors: string[] = []
  const print = createPrinter({
    output: stream(output),
    errors: stream(errors),
    env: {},
    secrets: createConcealer(known),
    isJson: false,
    isQuiet: false,
  })
  return { print, output: () => output.join(''), errors: () => errors.join('') }
}
