import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { ENDPOINTS, GUESS_RULE, UNPACED, VERBS, type Verb } from '@guichet/core'
import { type Answer, type Ask, askOver, type Counter, openCounter } from './counter.testing.ts'
import {
  allBut,
  type Ground,
  isEnough,
  isRefusal,
  layGround,
  type Row,
  titleOf,
} from './verb-table.testing.ts'
import { API_ROWS } from './verb-table-api.testing.ts'
import { NATIVE_ROWS } from './verb-table-native.testing.ts'

interface Door {
  readonly name: 'native' | 'proxy' | 'api'
  readonly rows: readonly Row[]
  ask(counter: Counter, ask: Ask & { readonly key: string }): Promise<Answer>
}

const DOORS: readonly Door[] = [
  { name: 'native', rows: NATIVE_ROWS, ask: (counter, ask) => counter.ask(ask) },
  { name: 'proxy', rows: NATIVE_ROWS, ask: throughTunnel },
  { name: 'api', rows: API_ROWS, ask: (counter, ask) => counter.ask(ask) },
]

/** As the proxy door hands it on: whoever opened the tunnel is the caller, whatever the request says of itself. */
async function throughTunnel(
  counter: Counter,
  { key, ...ask }: Ask & { readonly key: string },
): Promise<Answer> {
  const principal = await counter.services.principals.authenticate(
    { kind: 'bearer', secret: key },
    '127.0.0.1',
  )
  const tunnel = createServer((request, response) => {
    counter.server.serve(request, response, { principal, host: 'api.1fichier.com', from: '127.0.0.1' })
  })
  await new Promise<void>((resolve) => tunnel.listen(0, '127.0.0.1', resolve))
  try {
    return await askOver((tunnel.address() as AddressInfo).port, ask)
  } finally {
    tunnel.close()
  }
}

/** A key for each set of verbs, made once. */
function keysOf(counter: Counter): (verbs: readonly Verb[]) => Promise<string> {
  const made = new Map<string, Promise<string>>()
  return (verbs) => {
    const name = verbs.join(' ')
    const key = made.get(name) ?? counter.key({ name: `key ${made.size}`, verbs }).then(({ text }) => text)
    made.set(name, key)
    return key
  }
}

describe('the verbs of a key', () => {
  it('stand in a table that has every route of every door, and no other (K5)', async () => {
    await using counter = await openCounter()
    const native = new Set(NATIVE_ROWS.map(({ route }) => route))
    assert.deepEqual([...native].sort(), [...ENDPOINTS, ...UNPACED].sort())
    const { text } = await counter.key({ verbs: ['list'] })
    const { json } = await counter.api(text, 'GET', '/no-such-route')
    const routes = String(json['hint'])
      .replace(/^routes: /, '')
      .split(', ')
    const told = routes.flatMap((route) =>
      route === 'GET|PUT /content' ? ['GET /content', 'HEAD /content', 'PUT /content'] : route,
    )
    assert.deepEqual([...new Set(API_ROWS.map(({ route }) => route))].sort(), told.sort())
  })

  for (const door of DOORS) {
    it(`are what the ${door.name} door goes by: without the right ones nothing is done, and it is recorded (K5)`, async () => {
      await using counter = await openCounter()
      const keyFor = keysOf(counter)
      for (const row of door.rows) {
        const ground = await layGround(counter)
        const without = row.needs === 'owner' ? [VERBS] : row.needs.map(allBut)
        const alone = VERBS.map((verb) => [verb]).filter(
          (verbs) => row.needs === 'owner' || !isEnough(verbs, row.needs),
        )
        for (const verbs of [...alone, ...without])
          await refuses(counter, door, row, ground, verbs, await keyFor(verbs))
      }
      assert.deepEqual(await counter.spooled(), [], 'no content was kept')
    })

    it(`are enough at the ${door.name} door when they are just the ones that are needed (K5)`, async () => {
      await using counter = await openCounter()
      const keyFor = keysOf(counter)
      for (const row of door.rows) {
        if (row.needs === 'owner') continue
        const key = await keyFor(row.needs)
        const answer = await door.ask(counter, { ...(await row.ask(await layGround(counter), key)), key })
        assert.ok(answer.status < 400, `${titleOf(row)}: ${answer.status} ${answer.text}`)
        assert.notEqual(answer.json['status'], 'KO', `${titleOf(row)}: ${answer.text}`)
        const entries = await counter.ledger.recent(20)
        const own = entries.filter(({ requestId }) => requestId === answer.headers['x-request-id'])
        for (const verb of row.needs)
          assert.ok(
            own.some((entry) => entry.verb === verb && entry.decision === 'allow'),
            `${titleOf(row)}: ${verb} is not in the ledger`,
          )
      }
    })
  }

  it('destroy nothing without `delete`: whatever is asked, all that was there is there afterwards (K5)', async () => {
    await using counter = await openCounter()
    const verbs = allBut('delete')
    const { text: key } = await counter.key({ verbs })
    let done = 0
    for (const row of [...NATIVE_ROWS, ...API_ROWS]) {
      const wish = await row.ask(await layGround(counter), key)
      const before = [...counter.account.files.keys()]
      const { status } = await counter.ask({ ...wish, key })
      if (status < 400) done += 1
      const gone = before.filter((id) => !counter.account.files.has(id))
      assert.deepEqual(gone, [], titleOf(row))
    }
    assert.ok(done > 60, `${done} requests did something`)
    const endings = ['removeFiles', 'removeFolder', 'scanFile']
    assert.deepEqual(
      counter.upstream.filter(({ method }) => endings.includes(method)),
      [],
    )
  })

  it('are of no use to whoever has no key, or an unknown one, at any route (K5)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: VERBS })
    const unknown = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
    for (const row of [...NATIVE_ROWS, ...API_ROWS]) {
      if (row.route === 'direct') continue // The link is the credential: see the tickets.
      const wish = await row.ask(await layGround(counter), text)
      counter.calls()
      for (const key of [undefined, unknown]) {
        // Not so fast that it counts as guessing.
        counter.clock.jump(GUESS_RULE.forgiveMs)
        const answer = await counter.ask({ ...wish, key })
        assert.equal(answer.status, 401, `${titleOf(row)}: ${answer.text}`)
        assert.deepEqual(counter.calls(), [], titleOf(row))
      }
    }
  })
})

async function refuses(
  counter: Counter,
  door: Door,
  row: Row,
  ground: Ground,
  verbs: readonly Verb[],
  key: string,
): Promise<void> {
  const wish = await row.ask(ground, key)
  counter.calls()
  const answer = await door.ask(counter, { ...wish, key })
  const what = `${titleOf(row)} with ${verbs.join(' ')}: ${answer.status} ${answer.text}`
  assert.ok(isRefusal(row, answer), what)
  assert.deepEqual(counter.calls(), [], what)
  const entry = (await counter.ledger.recent(20)).find(
    ({ requestId, decision }) => requestId === answer.headers['x-request-id'] && decision === 'deny',
  )
  assert.ok(entry !== undefined, `${what}: not recorded`)
  const isLacking = entry.verb === 'admin' ? row.needs === 'owner' : !isEnough(verbs, [entry.verb as Verb])
  assert.ok(isLacking, `${what}: recorded as ${entry.verb}`)
  if (row.needs !== 'owner' && row.refusal !== 'status')
    assert.match(answer.text, new RegExp(`may not .*${entry.verb}.*--verbs \\S*\\b${entry.verb}\\b`), what)
}
