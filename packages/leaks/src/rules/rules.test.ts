import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createCorpus } from '../corpus/corpus.testing.ts'
import { EXPORTS, RULES } from './rules.ts'

const FILES = { gitleaks: 'gitleaks.toml', trufflehog: 'trufflehog.yaml' } as const
const folder = join(import.meta.dirname, '../../../../rules')

describe('the rules for other scanners', () => {
  for (const tool of ['gitleaks', 'trufflehog'] as const) {
    it(`are the same in the repository as they are printed: ${tool} (K19)`, () => {
      assert.equal(readFileSync(join(folder, FILES[tool]), 'utf8'), EXPORTS[tool]())
    })
  }

  it('find every second leak, which is what an expression alone can, and hardly anything else (K19)', () => {
    // No expression can tell a checksum, so that virtual keys with a wrong one do not count.
    // RE2 and JavaScript read these expressions alike; entropy is counted as both scanners do.
    let found = 0
    let plain = 0
    let wrong = 0
    for (const { text, key, also = [] } of createCorpus(5, 30)) {
      const hits = RULES.flatMap(({ regex, entropy = 0 }) =>
        [...text.matchAll(new RegExp(regex, 'g'))].flatMap(([, hit = '']) =>
          entropyOf(hit) >= entropy ? [hit] : [],
        ),
      )
      if (key !== undefined && text.includes(key)) {
        plain += 1
        if (hits.includes(key)) found += 1
      }
      wrong += new Set(hits.filter((hit) => hit !== key && !also.includes(hit) && !hit.startsWith('gch_')))
        .size
    }
    assert.ok(found / plain > 0.5, `${found} of ${plain}`)
    assert.ok(wrong / (wrong + found) < 0.05, `${wrong} beside ${found}`)
  })
})

function entropyOf(text: string): number {
  const counts = new Map<string, number>()
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / text.length) * Math.log2(count / text.length),
    0,
  )
}
