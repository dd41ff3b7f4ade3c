import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oneQuestion } from './one-question.ts'

describe('one question at a time', () => {
  it('is asked once for all who come before it is asked, and once more for all who come after', async () => {
    const { asked, ask } = questions()
    const first = [ask(), ask(), ask()]
    await settled()
    const later = Array.from({ length: 1_000 }, ask)
    await settled()
    assert.equal(asked.length, 1, 'nobody asks while one is under way')
    asked[0]?.resolve('early')
    assert.deepEqual(await Promise.all(first), ['early', 'early', 'early'])
    await settled()
    assert.equal(asked.length, 2)
    asked[1]?.resolve('late')
    assert.deepEqual([...new Set(await Promise.all(later))], ['late'])
    await settled()
    assert.equal(asked.length, 2)
  })

  it('fails for those who share it, and is asked again', async () => {
    const { asked, ask } = questions()
    const first = ask()
    await settled()
    const second = ask()
    asked[0]?.reject(new Error('no answer'))
    await assert.rejects(first, /no answer/)
    await settled()
    asked[1]?.resolve('an answer')
    assert.equal(await second, 'an answer')
  })
})

function questions() {
  const asked: PromiseWithResolvers<string>[] = []
  const ask = oneQuestion(() => {
    const question = Promise.withResolvers<string>()
    asked.push(question)
    return question.promise
  })
  return { asked, ask }
}

function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
