import assert from 'node:assert/strict'
import { it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { createSlots, type Slot } from './slots.ts'

it('gives places in the order of asking, and each place back once only', async () => {
  const slots = createSlots({ count: 1, waiting: 2, clock: new FakeClock() })
  const order: string[] = []
  const first = await slots.take(undefined)
  const second = slots.take(undefined).then((slot) => {
    order.push('second')
    return slot
  })
  const third = slots.take(undefined).then((slot) => {
    order.push('third')
    return slot
  })
  first.giveBack()
  first.giveBack()
  const slot = await second
  assert.deepEqual(order, ['second'])
  slot.giveBack()
  await third
  assert.deepEqual(order, ['second', 'third'])
})

it('refuses when too many wait', async () => {
  const slots = createSlots({ count: 1, waiting: 0, clock: new FakeClock() })
  await slots.take(undefined)
  await assert.rejects(
    slots.take(undefined),
    (error: unknown) => error instanceof GatewayError && error.code === 'paced',
  )
})

it('somebody who leaves the queue takes no place with him', async () => {
  const slots = createSlots({ count: 1, waiting: 2, clock: new FakeClock() })
  const first = await slots.take(undefined)
  const leaving = new AbortController()
  const left = slots.take(leaving.signal)
  const patient = slots.take(undefined)
  leaving.abort(new Error('enough'))
  await assert.rejects(left, /enough/)
  first.giveBack()
  const slot = await patient
  slot.giveBack()
  await assert.rejects(slots.take(leaving.signal), /enough/)
  await slots.take(undefined)
})

it('who makes no use of a place gives it up while others wait, and nobody else does', async () => {
  const clock = new FakeClock()
  const slots = createSlots({ count: 3, waiting: 5, clock })
  const given: string[] = []
  const use = (name: string, slot: Slot, idleSinceMs: () => number | undefined): void =>
    slot.usedBy({
      idleSinceMs,
      giveUp: () => {
        given.push(name)
        slot.giveBack()
      },
    })
  const startMs = clock.nowMs()
  use('busy', await slots.take(undefined), () => undefined)
  use('idle', await slots.take(undefined), () => startMs)
  use('slow', await slots.take(undefined), () => clock.nowMs() - 10_000)
  await clock.advance(3_600_000)
  assert.deepEqual(given, [], 'nobody waits')
  const waiting = slots.take(undefined)
  await clock.advance(5_000)
  assert.deepEqual(given, ['idle'])
  const fourth = await waiting
  const other = slots.take(undefined)
  await clock.advance(3_600_000)
  assert.deepEqual(given, ['idle'])
  assert.equal(clock.sleeping, 1)
  fourth.giveBack()
  await other
  assert.equal(clock.sleeping, 0, 'nobody looks when nobody waits')
})
