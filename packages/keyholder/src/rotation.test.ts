import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, Secret } from '@guichet/core'
import { type Break, BreakingDisk } from './breaking-disk.testing.ts'
import { openVault } from './vault.ts'
import { changeWays, readWays } from './ways.ts'
import {
  KEY,
  LISTING,
  NEXT_KEY,
  PASSPHRASE,
  post,
  refusal,
  startWorld,
  textOf,
  type World,
} from './world.testing.ts'

/** Open, write, sync and rename of the new file, then open and sync of its directory. */
const STEPS = ['open', 'write', 'sync', 'rename', 'open', 'sync']

async function stored(world: World): Promise<string> {
  return (await openVault(world.vaultPath, PASSPHRASE)).expose()
}

async function used(world: World): Promise<string | undefined> {
  await textOf(await post(world.client, LISTING))
  return world.upstream.requests.at(-1)?.headers.authorization?.slice('Bearer '.length)
}

describe('the rotation of the API key', () => {
  it('fails no call: each ends with the key it began with or the new one (K15)', async () => {
    await using world = await startWorld()
    const stop = new AbortController()
    let calls = 0
    const caller = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const answer = await post(world.client, LISTING)
        assert.equal(answer.status, 200)
        assert.equal(await textOf(answer), '{"status":"OK"}')
        calls += 1
      }
    }
    const callers = Array.from({ length: 12 }, caller)
    for (const key of [NEXT_KEY, KEY, NEXT_KEY]) {
      await world.client.rotate(new Secret(key), { check: true })
      const before = calls
      while (calls < before + 24) await textOf(await post(world.client, LISTING))
    }
    stop.abort()
    await Promise.all(callers)
    const keys = world.upstream.requests.map(({ headers }) => headers.authorization)
    assert.deepEqual([...new Set(keys)].sort(), [`Bearer ${KEY}`, `Bearer ${NEXT_KEY}`])
    assert.equal(await used(world), NEXT_KEY)
    assert.equal(await stored(world), NEXT_KEY)
  })

  it('is taken back when 1fichier refuses the new key, or cannot say (K15)', async () => {
    await using world = await startWorld()
    for (const [status, body, code] of [
      [401, '{"status":"KO","message":"Not authenticated #247"}', 'account-refused'],
      [403, '{"status":"KO","message":"No such user #93"}', 'account-refused'],
      [403, '{"status":"KO","message":"Flood detected: IP Locked #38"}', 'locked'],
      [503, 'down', 'upstream-down'],
    ] as const) {
      world.upstream.reply((_request, response) => void response.writeHead(status).end(body))
      const before = world.upstream.requests.length
      const failure = await refusal(world.client.rotate(new Secret(NEXT_KEY), { check: true }))
      assert.equal(failure.code, code)
      assert.match(failure.hint ?? '', /the old key stays in use/)
      assert.equal(world.upstream.requests.length, before + 1, 'one cheap call')
      assert.equal(await stored(world), KEY)
      world.upstream.reply((_request, response) => void response.end('{"status":"OK"}'))
      assert.equal(await used(world), KEY)
    }
  })

  for (const how of ['refuses', 'dies'] as const satisfies readonly Break[]) {
    it(`leaves the old key or the new one, never neither, when the disk ${how} at any step (K15, R6)`, async () => {
      for (let at = 1; at <= STEPS.length + 1; at += 1) {
        const disk = new BreakingDisk(at, how)
        await using world = await startWorld({ disk })
        const rotation = world.client.rotate(new Secret(NEXT_KEY), { check: false })
        if (at > STEPS.length) {
          await rotation
          assert.deepEqual(disk.steps, STEPS)
        } else assert.ok((await refusal(rotation)) instanceof GatewayError)
        const onDisk = await stored(world)
        // After the rename the new key is there, and before it the old one.
        assert.equal(onDisk, at > STEPS.indexOf('rename') + 1 ? NEXT_KEY : KEY, `step ${at}`)
        assert.equal(await used(world), onDisk, 'memory and disk hold the same')
        await world.client.seal()
        await world.client.unseal(PASSPHRASE)
        assert.equal(await used(world), onDisk)
      }
    })
  }
})

describe('a change of the ways', () => {
  it('leaves all old ways or all new ones when the disk breaks at any step (R6)', async () => {
    const way = { name: 'other', kind: 'passphrase', secret: new Secret('another secret') } as const
    const cost = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
    await using world = await startWorld()
    for (let at = 1; at <= STEPS.length; at += 1) {
      const disk = new BreakingDisk(at, 'dies')
      await assert.rejects(changeWays(world.vaultPath, PASSPHRASE, { act: 'add', way, cost }, 0, disk))
      assert.equal(await stored(world), KEY)
      const { ways } = await readWays(world.vaultPath)
      if (ways.length === 1) continue
      assert.ok(at > STEPS.indexOf('rename') + 1)
      assert.equal((await openVault(world.vaultPath, way.secret)).expose(), KEY)
      await changeWays(world.vaultPath, PASSPHRASE, { act: 'remove', name: way.name }, 0)
    }
  })
})
