import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FaultQueue } from './faults.ts'

describe('the fault queue', () => {
  it('gives a fault as often as it was queued, to the endpoints it is for', () => {
    const queue = new FaultQueue()
    queue.add({ at: 'file/*', kind: 'reset', times: 2 })
    const taken = ['folder/ls', 'file/ls', 'file/info', 'file/ls'].map(
      (endpoint) => queue.take(endpoint)?.kind,
    )
    assert.deepEqual(taken, [undefined, 'reset', 'reset', undefined])
  })

  it('gives one fault a call, in the order they were queued', () => {
    const queue = new FaultQueue()
    queue.add({ at: '*', kind: 'stall' })
    queue.add({ at: 'direct', kind: 'cut', afterBytes: 10 })
    assert.deepEqual([queue.take('direct')?.kind, queue.take('direct')?.kind], ['stall', 'cut'])
  })

  it('lets the first calls through when it was told to', () => {
    const queue = new FaultQueue()
    queue.add({ at: 'end.pl', kind: 'html', after: 2 })
    const taken = Array.from({ length: 4 }, () => queue.take('end.pl')?.kind)
    assert.deepEqual(taken, [undefined, undefined, 'html', undefined])
  })

  it('goes on for ever when it was told to, until it is cleared', () => {
    const queue = new FaultQueue()
    queue.add({ at: 'upload.cgi', kind: 'maintenance', times: Number.POSITIVE_INFINITY })
    for (let n = 0; n < 100; n += 1) assert.equal(queue.take('upload.cgi')?.kind, 'maintenance')
    queue.clear()
    assert.equal(queue.take('upload.cgi'), undefined)
  })

  it('takes a dot in a pattern for a dot', () => {
    const queue = new FaultQueue()
    queue.add({ at: 'end.pl', kind: 'reset' })
    assert.equal(queue.take('endxpl'), undefined)
  })
})
