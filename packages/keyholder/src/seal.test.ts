import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { LISTING, LOOKUP, NEXT_KEY, PASSPHRASE, post, refusal, startWorld, textOf } from './world.testing.ts'

describe('a seal', () => {
  it('is obeyed while the keyholder is full of calls: none goes out after its answer (K2)', async () => {
    await using world = await startWorld()
    const { promise: full, resolve } = Promise.withResolvers<void>()
    // Nobody is answered.
    world.upstream.reply(() => world.upstream.requests.length === 64 && resolve())
    const calls = Array.from({ length: 64 }, () => refusal(post(world.client, LISTING)))
    await full
    assert.equal((await world.client.seal()).sealed, true)
    const sent = world.upstream.requests.length
    const late = [LISTING, LOOKUP].map((url) => refusal(post(world.client, url)))
    for (const { code } of await Promise.all([...calls, ...late])) assert.equal(code, 'sealed')
    assert.equal(world.upstream.requests.length, sent)
  })

  it('is obeyed while passphrases are derived, and outlives them (K2)', async () => {
    await using world = await startWorld()
    await world.client.seal()
    const opening = refusal(world.client.unseal(PASSPHRASE))
    const guesses = Array.from({ length: 20 }, () =>
      refusal(world.client.unseal(new Secret('a wrong guess'))),
    )
    assert.equal((await world.client.seal()).sealed, true)
    const { code } = await opening
    assert.ok(code === 'sealed' || code === 'conflict', code)
    await Promise.all(guesses)
    assert.equal((await world.client.status()).sealed, true)
    assert.equal((await refusal(post(world.client, LISTING))).code, 'sealed')
    assert.equal(world.upstream.requests.length, 0)
  })

  it('is obeyed while a new key is tried, which then is not taken (K2)', async () => {
    await using world = await startWorld()
    const { promise: tried, resolve } = Promise.withResolvers<void>()
    world.upstream.reply(() => resolve())
    const rotation = refusal(world.client.rotate(new Secret(NEXT_KEY), { check: true }))
    await tried
    await world.client.seal()
    assert.equal((await rotation).code, 'sealed')
    assert.equal((await world.client.status()).sealed, true)
  })

  it('lasts until somebody unseals, and is left by a rotation on request (K2, K15)', async () => {
    await using world = await startWorld()
    const mark = join(dirname(world.vaultPath), 'sealed')
    await world.client.seal()
    assert.ok(existsSync(mark))
    const newKey = new Secret(NEXT_KEY)
    assert.equal((await refusal(world.client.rotate(newKey, { check: true }))).code, 'sealed')
    const wrong = { check: true, secret: new Secret('a wrong guess') }
    assert.equal((await refusal(world.client.rotate(newKey, wrong))).code, 'unauthenticated')
    assert.equal(world.upstream.requests.length, 0)
    const status = await world.client.rotate(newKey, { check: true, secret: PASSPHRASE })
    assert.equal(status.sealed, true, 'it has a new key and is as shut as before')
    assert.equal(world.upstream.requests.length, 1, 'the one call that the owner asked for')
    assert.equal((await refusal(post(world.client, LISTING))).code, 'sealed')
    assert.equal((await world.client.unseal()).sealed, false)
    assert.ok(!existsSync(mark))
    await textOf(await post(world.client, LISTING))
    assert.equal(world.upstream.requests.at(-1)?.headers.authorization, `Bearer ${NEXT_KEY}`)
  })
})

describe('the ways of a vault', () => {
  it('are changed at the socket, open or sealed, and never without a secret (K1)', async () => {
    await using world = await startWorld()
    const cost = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
    const other = new Secret('another passphrase')
    const add = { act: 'add', way: { name: 'other', kind: 'passphrase', secret: other }, cost } as const
    const wrong = new Secret('a wrong guess')
    assert.equal((await refusal(world.client.changeWays(wrong, add))).code, 'unauthenticated')
    assert.equal((await world.client.changeWays(PASSPHRASE, add)).sealed, false)
    await world.client.seal()
    const next = new Secret('the next passphrase')
    assert.equal((await world.client.changeWays(other, { act: 'replace', secret: next, cost })).sealed, true)
    await world.client.changeWays(next, { act: 'remove', name: 'passphrase' })
    assert.equal((await refusal(world.client.unseal(PASSPHRASE))).code, 'unauthenticated')
    assert.equal((await world.client.unseal(next)).sealed, false)
  })
})
