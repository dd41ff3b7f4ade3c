import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { literal, machinesFor } from './machine.ts'
import { createMasker, needlesOf } from './masker.ts'

function masked(texts: readonly string[], chunks: readonly Uint8Array[]): string {
  const masker = createMasker(needlesOf(texts.flatMap((text) => machinesFor(literal(text)))), '#')
  return Buffer.concat([...chunks.map((chunk) => masker.push(chunk)), masker.end()]).toString('latin1')
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length))
}

/** Every byte that is part of an occurrence, by looking for each at each place. */
function maskedSlowly(texts: readonly string[], whole: string): string {
  const spans: { start: number; end: number }[] = []
  for (let start = 0; start < whole.length; start += 1)
    for (const text of texts)
      if (whole.startsWith(text, start)) spans.push({ start, end: start + text.length })
  const merged: { start: number; end: number }[] = []
  for (const span of spans) {
    const last = merged.at(-1)
    if (last !== undefined && span.start < last.end) last.end = Math.max(last.end, span.end)
    else merged.push({ ...span })
  }
  return merged.reduceRight((rest, { start, end }) => `${rest.slice(0, start)}#${rest.slice(end)}`, whole)
}

describe('masking', () => {
  it('covers every occurrence, overlapping ones too, however the chunks are cut (K18)', () => {
    const letters = fc.string({ unit: fc.constantFrom('z', 'y', 'x'), maxLength: 30 })
    const secret = fc.string({ unit: fc.constantFrom('z', 'y', 'x'), minLength: 3, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 6 }),
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (parts, texts, cuts) => {
          const whole = parts.join(texts[0])
          assert.equal(masked(texts, split(Buffer.from(whole), cuts)), maskedSlowly(texts, whole))
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('passes bytes on that are no text at all', () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 254])
    assert.equal(masked(['secret'], [bytes]), bytes.toString('latin1'))
  })

  it('holds nothing back that cannot be the beginning of a text', () => {
    const masker = createMasker(needlesOf(machinesFor(literal('secret'))), '#')
    assert.equal(masker.push(Buffer.from('password: ')).toString(), 'password: ')
  })

  it('knows texts that hold the mark of an escape themselves', () => {
    assert.equal(
      masked(['100%\\"&#'], [Buffer.from('a 100%\\"&# b 100%25%5c%22&amp;#')]),
      'a # b 100%25%5c%22&amp;#',
    )
    assert.equal(masked(['100%\\"&#'], [Buffer.from('100%25%5c%22%26%23')]), '#')
  })
})
