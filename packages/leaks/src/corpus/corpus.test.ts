import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCorpus, measure, type Sample } from './corpus.testing.ts'

describe('the detectors, measured', () => {
  it('find 99 % of the keys of a seeded corpus, and 95 % of what they find are keys (K19)', () => {
    for (const seed of [20_260_601, 7]) {
      const measured = measure(createCorpus(seed, 100))
      assert.ok(measured.keys > 5_000 && measured.harmless > 4_000)
      assert.ok(measured.recall >= 0.99, `recall ${measured.recall}: ${namesOf(measured.failures)}`)
      assert.ok(measured.precision >= 0.95, `precision ${measured.precision}: ${namesOf(measured.failures)}`)
    }
  })

  it('find every virtual key, and nothing else is taken for one (K13, K19)', () => {
    const samples = createCorpus(11, 60).filter(({ family }) => !family.startsWith('key: '))
    const { failures } = measure(samples)
    assert.deepEqual(namesOf(failures.filter(({ key }) => key !== undefined)), '')
  })
})

function namesOf(samples: readonly Sample[]): string {
  return [...new Set(samples.map(({ family }) => family))].join(', ')
}
