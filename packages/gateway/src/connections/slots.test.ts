import assert from 'node:assert/strict'
import { it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { createSlots } from './slots.ts'

it('gives places in the order of asking, and each place back once only', async () => {
  const slots = createSlots({ count: 1, waiting: 2 })
  const order: string[] = []
  const giveBack = await slots.take(undefined)
  const second = slots.take(undefined).then((give) => {
    order.push('second')
    return give
  })
  const third = slots.take(undefined).then((give) => {
    order.push('third')
    return give
  })
  giveBack()
  giveBack()
  const giveSecond = await second
  assert.deepEqual(order, ['second'])
  giveSecond()
  await third
  assert.deepEqual(order, ['second', 'third'])
})

it('refuses when too many wait', async () => {
  const slots = createSlots({ count: 1, waiting: 0 })
  await slots.take(undefined)
  await assert.rejects(
    slots.take(undefined),
    (error: unknown) => error instanceof GatewayError && error.code === 'paced',
  )
})

it('somebody who leaves the queue takes no place with him', async () => {
  const slots = createSlots({ count: 1, waiting: 2 })
  const giveBack = await slots.take(undefined)
  const leaving = new AbortController()
  const left = slots.take(leaving.signal)
  const patient = slots.take(undefined)
  leaving.abort(new Error('enough'))
  await assert.rejects(left, /enough/)
  giveBack()
  const give = await patient
  give()
  await assert.rejects(slots.take(leaving.signal), /enough/)
  await slots.take(undefined)
})
