import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, problemOfName, type UploadFile } from '@guichet/core'
import fc from 'fast-check'
import { chunks, readAll } from './answering.testing.ts'
import { planMultipart } from './multipart.ts'

const BOUNDARY = 'a1'.repeat(30)

function fileOf(
  name: string,
  content: string,
  sizeBytes = new TextEncoder().encode(content).length,
): UploadFile {
  return { name, sizeBytes, open: () => chunks(content) }
}

describe('a multipart body', () => {
  it('is framed as rclone frames it', async () => {
    const plan = planMultipart({ did: '0' }, [fileOf('é.txt', 'one'), fileOf('b', 'two')], BOUNDARY)
    assert.equal(plan.contentType, `multipart/form-data; boundary=${BOUNDARY}`)
    assert.equal(
      await readAll(plan.body),
      [
        `--${BOUNDARY}`,
        'Content-Disposition: form-data; name="did"',
        '',
        '0',
        `--${BOUNDARY}`,
        'Content-Disposition: form-data; name="file[]"; filename="é.txt"',
        '',
        'one',
        `--${BOUNDARY}`,
        'Content-Disposition: form-data; name="file[]"; filename="b"',
        '',
        'two',
        `--${BOUNDARY}--`,
        '',
      ].join('\r\n'),
    )
    assert.ok(plan.isHandedOver())
  })

  it('is exactly as long as announced, whatever the names and sizes', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => problemOfName(text) === undefined)
    const files = fc.array(
      fc.record({ name, content: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }) }),
      {
        minLength: 1,
        maxLength: 20,
      },
    )
    await fc.assert(
      fc.asyncProperty(files, fc.nat(99_999_999), async (entries, folder) => {
        const plan = planMultipart(
          { did: String(folder) },
          entries.map((entry) => fileOf(entry.name, entry.content)),
          BOUNDARY,
        )
        let bytes = 0
        for await (const chunk of plan.body) bytes += chunk.length
        assert.equal(bytes, plan.lengthBytes)
      }),
    )
  })

  for (const [what, sizeBytes] of [
    ['fewer', 6],
    ['more', 4],
  ] as const) {
    it(`breaks off before its end when a file yields ${what} bytes than announced`, async () => {
      const plan = planMultipart(
        { did: '0' },
        [fileOf('a', 'one'), fileOf('b', 'three', sizeBytes)],
        BOUNDARY,
      )
      let text = ''
      await assert.rejects(
        async () => {
          for await (const chunk of plan.body) text += new TextDecoder().decode(chunk)
        },
        (failure) =>
          failure instanceof GatewayError && failure.code === 'corrupt' && failure.facts['stored'] === false,
      )
      assert.ok(!text.includes(`--${BOUNDARY}--`))
      assert.ok(text.length < plan.lengthBytes)
      assert.ok(plan.failure() instanceof GatewayError)
      assert.ok(!plan.isHandedOver())
    })
  }

  it('closes the file it is reading when the transport stops', async () => {
    const closed: string[] = []
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(10)
      } finally {
        closed.push('a')
      }
    }
    const plan = planMultipart({ did: '0' }, [{ name: 'a', sizeBytes: 10 ** 9, open: endless }], BOUNDARY)
    let count = 0
    for await (const _ of plan.body) {
      count += 1
      if (count === 5) break
    }
    assert.deepEqual(closed, ['a'])
    assert.equal(plan.failure(), undefined)
    assert.ok(!plan.isHandedOver())
  })

  it('takes no boundary that a header could not carry unquoted', () => {
    for (const boundary of [
      '',
      'short',
      'with space with space',
      `${'a'.repeat(71)}`,
      'quote"quote"quote"quote',
    ]) {
      assert.throws(() => planMultipart({}, [], boundary), GatewayError)
    }
  })
})
