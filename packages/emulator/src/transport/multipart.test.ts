import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type PartHeader, readMultipart } from './multipart.ts'

interface Part {
  readonly headers: readonly PartHeader[]
  readonly body: string
}

async function read(pieces: readonly string[]): Promise<{ isWhole: boolean; parts: Part[] }> {
  const parts: Part[] = []
  async function* chunks(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece, 'latin1')
  }
  const isWhole = await readMultipart(chunks(), 'B', {
    begin: async (headers) => {
      let body = ''
      return {
        write: async (bytes) => {
          body += bytes.toString('latin1')
        },
        end: async () => void parts.push({ headers, body }),
      }
    },
  })
  return { isWhole, parts }
}

function bodyOf(contents: readonly string[]): string {
  return `${contents.map((content) => `--B\r\nX: y\r\n\r\n${content}\r\n`).join('')}--B--`
}

describe('the multipart reader', () => {
  it('finds the same parts however the body is cut into chunks', async () => {
    const contents = fc.array(fc.string({ unit: fc.constantFrom('\r', '\n', '-', 'B', 'x') }), {
      maxLength: 4,
    })
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(contents, cuts, async (bodies, lengths) => {
        fc.pre(bodies.every((body) => !`\r\n${body}\r\n`.includes('\r\n--B')))
        const text = bodyOf(bodies)
        const pieces: string[] = []
        for (let at = 0, turn = 0; at < text.length; turn += 1) {
          const length = lengths[turn % lengths.length] ?? 1
          pieces.push(text.slice(at, at + length))
          at += length
        }
        const { isWhole, parts } = await read(pieces)
        assert.equal(isWhole, true)
        assert.deepEqual(
          parts.map(({ body }) => body),
          bodies,
        )
      }),
    )
  })

  it('reads headers with lower-case names and keeps their order', async () => {
    const { parts } = await read([
      '--B\r\nContent-Type: a/b\r\nContent-Disposition: form-data\r\n\r\n\r\n--B--\r\n',
    ])
    assert.deepEqual(parts[0]?.headers, [
      { name: 'content-type', value: 'a/b' },
      { name: 'content-disposition', value: 'form-data' },
    ])
    assert.equal(parts[0]?.body, '')
  })

  it('is not whole without its last delimiter', async () => {
    assert.equal((await read(['--B\r\nX: y\r\n\r\nabc'])).isWhole, false)
    assert.equal((await read(['--B\r\nX: y\r\n\r\nabc\r\n--B'])).isWhole, false)
    assert.equal((await read(['no multipart at all'])).isWhole, false)
  })

  it('does not take a delimiter with something behind it', async () => {
    assert.equal((await read(['--Bxyz\r\nX: y\r\n\r\nabc\r\n--Bxyz--'])).isWhole, false)
  })

  it('gives up on headers without end', async () => {
    assert.equal((await read([`--B\r\nX: ${'y'.repeat(20_000)}`, 'z'])).isWhole, false)
  })
})
