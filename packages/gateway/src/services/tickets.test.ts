import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { MINUTE_MS, parseFileId, parseKeyId, ROOT } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { createTickets, type Ticket } from './tickets.ts'

describe('a ticket', () => {
  it('is good for five minutes, and for thirty more once it was used', () => {
    const { clock, tickets } = open()
    const [unused, used] = [tickets.issue(ticketOf(1)), tickets.issue(ticketOf(1))]
    clock.jump(5 * MINUTE_MS - 1)
    assert.equal(tickets.use(used)?.file.name, 'file')
    clock.jump(1)
    assert.equal(tickets.use(unused), undefined)
    clock.jump(30 * MINUTE_MS - 2)
    assert.notEqual(tickets.use(used), undefined)
    clock.jump(1)
    assert.equal(tickets.use(used), undefined)
    assert.equal(tickets.use('0'.repeat(32)), undefined)
  })

  it('outlives any number of tickets of another key; of its own the oldest go first', () => {
    const { tickets } = open()
    const other = tickets.issue(ticketOf(1))
    const greedy = Array.from({ length: 60_000 }, () => tickets.issue(ticketOf(2)))
    assert.notEqual(tickets.use(other), undefined)
    const living = greedy.filter((text) => tickets.use(text) !== undefined)
    assert.equal(living.length, 20_000)
    assert.deepEqual(living, greedy.slice(-20_000))
  })
})

function open() {
  const clock = new FakeClock()
  return { clock, tickets: createTickets({ clock, random: (count) => randomBytes(count) }) }
}

function ticketOf(number: number): Ticket {
  const key = parseKeyId(`k-${String(number).padStart(8, '0')}`)
  return {
    principal: {
      key,
      name: 'tv',
      verbs: ['download'],
      root: ROOT,
      rootPath: '/',
      mayTunnel: false,
      limits: {},
    },
    file: {
      ...{ link: { domain: '1fichier.com', id: parseFileId('abcde12345') }, folder: ROOT, name: 'file' },
      ...{ sizeBytes: 1, dateMs: 0, whirlpool: undefined, contentType: undefined },
      ...{ hasPassword: false, isRestricted: false, usesCdn: false },
    },
    options: {},
  }
}
