import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failureOf, hostThatGets, unaskedHost } from './answering.testing.ts'

describe('the account', () => {
  it('is the same in both readings of its types', async () => {
    const numbers = {
      offer: 3,
      cdn: 1.5,
      overquota: 1,
      upload_forbidden: 0,
      cold_storage: 7,
      available_storage: -5,
    }
    const texts = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]))
    const one = await hostThatGets({ body: { status: 'OK', ...numbers } }).host.account({})
    const other = await hostThatGets({ body: { status: 'OK', ...texts } }).host.account({})
    assert.deepEqual({ ...one, raw: {} }, { ...other, raw: {} })
    assert.equal(one.offer, 'gold')
    assert.equal(one.availableBytes, -5)
    assert.deepEqual(one.raw, { status: 'OK', ...numbers })
  })

  it('has an unknown offer rather than a guessed one', async () => {
    for (const offer of [undefined, null, '', '9', 'toString', 7]) {
      assert.equal((await hostThatGets({ body: { offer } }).host.account({})).offer, 'unknown')
    }
  })

  it('ends when its subscription does, if it has one', async () => {
    const ends = async (subscription_end: unknown): Promise<number | undefined> =>
      (await hostThatGets({ body: { subscription_end } }).host.account({})).subscriptionEndMs
    assert.equal(await ends('2027-01-31 12:00:00'), Date.parse('2027-01-31T11:00:00Z'))
    for (const never of [undefined, null, '', '1970-01-01 01:00:00'])
      assert.equal(await ends(never), undefined)
  })

  it('has no settings but those of 1fichier', async () => {
    const failure = await failureOf(unaskedHost().changeAccount({ ftp_mode: 1, colour: 'red' }, {}))
    assert.equal(failure.code, 'invalid')
    assert.match(failure.message, /colour/)
    await unaskedHost().changeAccount({}, {})
  })
})
