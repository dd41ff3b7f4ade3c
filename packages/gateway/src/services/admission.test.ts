import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyText, GatewayError, type KeyLimits, parseKeyId, ROOT } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { createLog } from '../log.ts'
import { openDatabase, SqliteBudgetStore, SqliteKeyStore, SqliteLedger } from '../stores/sqlite/index.ts'
import { createTunnelAdmission } from './admission.ts'
import { openBudgets } from './budgets/durable-budgets.ts'
import { createGate } from './gate.ts'
import { createPrincipals, parseCredentials } from './principals.ts'

const API_KEY = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0x='
const TARGET = 'api.1fichier.com:443'
const WAY = { from: '192.0.2.1', transport: 'tls' } as const

describe('who asks for a tunnel', () => {
  it('stands in the ledger when it is nobody we know, by no more than the place it asked for', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const { admission, ledger } = await open(db)
    const stranger = createKeyText(randomBytes)
    const asked = [
      [undefined, /no virtual key was sent/],
      [`Bearer ${stranger}`, /not known here/],
      [`Basic ${Buffer.from('any:wrong').toString('base64')}`, /not known here/],
    ] as const
    for (const [header, message] of asked) {
      const admitted = admission.authenticate(parseCredentials(header), TARGET, WAY)
      await assert.rejects(admitted, { code: 'unauthenticated', message })
      const [entry] = await ledger.recent(1)
      assert.deepEqual(
        [entry?.door, entry?.key, entry?.verb, entry?.decision, entry?.target],
        ['proxy', 'nobody', 'authenticate', 'deny', `CONNECT ${TARGET}`],
      )
      assert.match(entry?.requestId ?? '', /^[0-9a-f]{16}$/)
    }
    assert.equal(await ledger.count(), 3)
    assert.ok(!JSON.stringify(await ledger.recent(9)).includes(stranger))
  })

  it('is told that an API key is exposed, and so is the ledger, without the key', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const { admission, ledger } = await open(db)
    for (const pair of [`any:${API_KEY}`, `${API_KEY}:`]) {
      const header = `Basic ${Buffer.from(pair).toString('base64')}`
      await assert.rejects(
        admission.authenticate(parseCredentials(header), TARGET, WAY),
        /looks like an API key/,
      )
      const [entry] = await ledger.recent(1)
      assert.match(entry?.target ?? '', /take it for exposed/)
      assert.ok(!JSON.stringify(entry).includes(API_KEY))
    }
  })

  it('gets in with a key, and to other hosts only with one that may', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const { admission, ledger, issue } = await open(db)
    const text = await issue()
    const principal = await admission.authenticate(parseCredentials(`Bearer ${text}`), TARGET, WAY)
    assert.equal(principal.name, 'tv')
    assert.equal(await ledger.count(), 0)
    await assert.rejects(admission.mayTunnel(principal, 'example.org:443'), { code: 'forbidden' })
    await admission.mayTunnel({ ...principal, mayTunnel: true }, 'example.org:443')
    const lines = (await ledger.recent(9)).map(({ verb, decision, target }) => [verb, decision, target])
    assert.deepEqual(lines, [
      ['tunnel', 'allow', 'example.org:443'],
      ['tunnel', 'deny', 'example.org:443'],
    ])
  })
})

describe('a tunnel of a key with addresses', () => {
  it('is opened from there only; from elsewhere the key is like an unknown one (K9)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const { admission, ledger, issue } = await open(db)
    const credentials = parseCredentials(`Bearer ${await issue({ from: ['10.0.0.0/8'] })}`)
    const at = (from: string | undefined) => admission.authenticate(credentials, TARGET, { ...WAY, from })
    assert.equal((await at('10.1.2.3')).name, 'tv')
    for (const from of ['192.168.1.1', undefined]) {
      await assert.rejects(at(from), { message: 'this virtual key is not known here' })
      const [entry] = await ledger.recent(1)
      assert.match(entry?.reason ?? '', /the key "tv" may not be used from (192\.168\.1\.1|an address that)/)
    }
  })
})

describe('a tunnel that is refused on the way', () => {
  it('stands in the ledger under the key that wanted it, or under nobody (R3)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const { admission, ledger, issue } = await open(db)
    const principal = await admission.authenticate(parseCredentials(`Bearer ${await issue()}`), TARGET, WAY)
    const inner = new GatewayError(
      'forbidden',
      'router.example is at 192.168.1.1, which is not a public address',
    )
    const attempt = { principal, from: WAY.from, target: 'router.example:443' }
    assert.equal(await admission.refused(attempt, inner), inner)
    const [entry] = await ledger.recent(1)
    assert.deepEqual(
      [entry?.key, entry?.verb, entry?.decision, entry?.target, entry?.reason],
      ['k-abcdefgh', 'tunnel', 'deny', 'router.example:443', inner.message],
    )
    const malformed = new GatewayError('invalid', '"x" is not a place to tunnel to')
    await admission.refused({ ...attempt, principal: undefined, target: '' }, malformed)
    assert.equal((await ledger.recent(1))[0]?.key, 'nobody')
    const down = new GatewayError('upstream-down', 'nobody answers')
    assert.equal(await admission.refused(attempt, down), down)
    assert.equal(await ledger.count(), 2)
  })
})

async function open(db: ReturnType<typeof openDatabase>) {
  const clock = new FakeClock()
  const ledger = new SqliteLedger(db)
  const keys = new SqliteKeyStore(db)
  const gate = createGate({ ledger, clock, log: createLog('silent') })
  const principals = createPrincipals({ keys, pepper: randomBytes(32), clock })
  const budgets = await openBudgets({
    ...{ store: new SqliteBudgetStore(db), gate, clock },
    ofOwner: [],
  })
  const admission = createTunnelAdmission({
    principals,
    gate,
    budgets,
    random: (count) => randomBytes(count),
  })
  const issue = async (limits: KeyLimits = {}): Promise<string> => {
    const text = createKeyText(randomBytes)
    const key = {
      ...{ id: parseKeyId('k-abcdefgh'), name: 'tv', verbs: ['list'] as const, root: ROOT, rootPath: '/' },
      ...{
        mayTunnel: false,
        limits,
        createdMs: clock.nowMs(),
        expiresMs: undefined,
        revokedMs: undefined,
        parent: undefined,
        use: { count: 0, lastMs: undefined },
        ended: undefined,
      },
    }
    await keys.add(key, principals.hash(text))
    return text
  }
  return { admission, ledger, issue }
}
