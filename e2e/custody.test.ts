import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { createVault } from '@guichet/keyholder'
import { API_PREFIX } from '@guichet/sdk'
import { askOwner, call, ownerStatus, type Stand, startStand } from './stand.ts'
import { ask, childrenOf, sendPlain } from './streaming.ts'
import { until } from './until.ts'

const UNLOCK = 'a passphrase for tests only'

let stand: Stand
before(async () => {
  stand = await startStand({
    timeScale: 200,
    emulator: { storeContent: 'hash-only', syntheticSeeds: ['up', 'down'] },
  })
  // Before the gateway has seen the folder: what it has seen it believes.
  for (const how of ['by the command', 'over HTTP'])
    await stand.emulator.account.putSynthetic(`/down-${how}.bin`, { seed: 'down', sizeBytes: 2e9 })
})
after(() => stand[Symbol.asyncDispose]())

/** All that 1fichier has counted: its API, its upload nodes, its reports and direct links. */
const callsNow = (): object => {
  const { calls, directGets, directHeads, uploads, tokens } = stand.emulator.snapshot()
  return { calls, directGets, directHeads, uploads, tokens }
}

const run = async (args: readonly string[], input?: string): Promise<string> => {
  const ran = await stand.guichet(args, input === undefined ? {} : { input })
  assert.equal(ran.code, 0, ran.stderr)
  return ran.stdout
}

describe('a seal', () => {
  for (const [how, seal] of [
    ['by the command', async () => void (await run(['seal']))],
    ['over HTTP', async () => void (await askOwner(stand, 'POST', '/seal'))],
  ] as const) {
    it(`${how}, with streams in flight: not one call to 1fichier after its answer (K2)`, async () => {
      const { key } = await stand.issue('all')
      const down = `/down-${how}.bin`
      const url = (at: string): string => `${stand.url}${API_PREFIX}/content?at=${encodeURIComponent(at)}`
      const before = stand.emulator.snapshot()
      stand.emulator.fault({ kind: 'stall', at: 'upload.cgi' })
      const uploading = sendPlain(url(`/up-${how}.bin`), key, { seed: 'up', sizeBytes: 1e6 }).catch(
        () => undefined,
      )
      const downloading = ask(url(down), key).catch(() => undefined)
      await until('both streams', () => {
        const { bytesDown, calls } = stand.emulator.snapshot()
        const isUploading = (calls['upload.cgi'] ?? 0) > (before.calls['upload.cgi'] ?? 0)
        return isUploading && bytesDown > before.bytesDown + 1e6
      })
      await seal()
      const [sealed, sealedUp] = [callsNow(), stand.emulator.snapshot().bytesUp]
      await call(stand, key, 'folder/ls', { folder_id: 0, files: 1 })
      const change = await call(stand, key, 'folder/mkdir', { name: `new-${how}` })
      assert.equal(change.json['status'], 'KO')
      await ask(`${url(down)}&again`, key).catch(() => undefined)
      await downloading
      assert.deepEqual(callsNow(), sealed)
      assert.equal(stand.emulator.snapshot().bytesUp, sealedUp)
      assert.match(await run(['status']), /keyholder +sealed: somebody sealed it/)
      await run(['unseal'])
      await uploading
      await until('the upload to be stored after the unseal', () =>
        stand.emulator.account.files().some((file) => file.path === `/up-${how}.bin`),
      )
    })
  }

  it('outlives a keyholder that was killed, and a gateway that was (K2)', async () => {
    await run(['seal'])
    const [keyholder = 0] = childrenOf(stand.gateway.pid ?? 0)
    process.kill(keyholder, 'SIGKILL')
    await until('another keyholder', () =>
      childrenOf(stand.gateway.pid ?? 0).some((pid) => pid !== keyholder),
    )
    const { state } = await until('its state', async () => {
      const status = (await ownerStatus(stand)).keyholder
      return status.state === 'gone' ? undefined : status
    })
    assert.equal(state, 'sealed')
    await stand.kill('SIGKILL')
    const before = callsNow()
    await stand.start()
    assert.equal((await ownerStatus(stand)).keyholder.state, 'sealed')
    assert.deepEqual(callsNow(), before)
    await run(['unseal'])
    assert.equal((await ownerStatus(stand)).keyholder.state, 'ready')
  })
})

describe('the rotation of the API key', () => {
  it('fails no request of a client and leaves virtual keys alone (K15)', async () => {
    const { key } = await stand.issue('all')
    const stop = new AbortController()
    const answers: unknown[] = []
    const clients = Array.from({ length: 6 }, async (_, client) => {
      for (let turn = 0; !stop.signal.aborted; turn += 1) {
        answers.push((await call(stand, key, 'folder/mkdir', { name: `${client}-${turn}` })).json['status'])
      }
    })
    const old = stand.emulator.apiKey
    const next = stand.emulator.makeApiKey()
    const uses = (wanted: string): number =>
      stand.emulator
        .snapshot()
        .keySightings.filter(({ value }) => value === `Bearer ${wanted}`)
        .reduce((sum, { times }) => sum + times, 0)
    await until('calls with the old key', () => answers.length > 6)
    const told = await stand.guichet(['rotate', '--key-file', '-'], { input: next })
    assert.equal(told.code, 0, told.stderr)
    assert.match(told.stdout, /the new API key is in use/)
    assert.match(told.stderr, /delete the old key on https:\/\/1fichier\.com\/console\/params\.pl/)
    stand.emulator.endApiKey(old)
    const usesOfOld = uses(old)
    const before = answers.length
    await until('calls with the new key', () => answers.length > before + 12)
    stop.abort()
    await Promise.all(clients)
    assert.deepEqual([...new Set(answers)], ['OK'], 'not one request failed')
    assert.equal(uses(old), usesOfOld)
    assert.ok(uses(next) > 12)
  })

  it('is asked for after 90 days, by status and by serve, and no more afterwards (K15)', async () => {
    await stand.kill('SIGTERM')
    const vault = path.join(stand.home, 'vault')
    const kept = await readFile(vault)
    const apiKey = stand.emulator.makeApiKey()
    const ways = [{ name: 'unlock-file', kind: 'file', secret: new Secret(UNLOCK) }] as const
    await rm(vault)
    await createVault(vault, { apiKey: new Secret(apiKey), ways, nowMs: Date.now() - 90 * 86_400_000 })
    const from = stand.output.length
    await stand.start()
    const { keyAgeDays, rotationDue } = (await stand.status()).keyholder
    assert.deepEqual([keyAgeDays, rotationDue], [90, true])
    const reminder = /the API key was stored 90 days ago: it is time for a new one \(`guichet rotate`\)/
    assert.match(await run(['status']), reminder)
    await until('the warning of serve', () => stand.output.slice(from).some((line) => reminder.test(line)))
    await run(['rotate', '--key-file', '-'], stand.emulator.makeApiKey())
    assert.equal((await stand.status()).keyholder.rotationDue, false)
    assert.notDeepEqual(await readFile(vault), kept)
    // The ledger is signed with the vault that it began under.
    await stand.kill('SIGTERM')
    await writeFile(vault, kept)
    await stand.start()
  })
})

describe('the ways to open the vault', () => {
  it('are shown, added, changed and removed while it serves, and without a gateway (K1, K17)', async () => {
    const [laptop, changed] = [path.join(stand.work, 'laptop'), path.join(stand.work, 'changed')]
    await writeFile(laptop, 'the passphrase of the laptop', { mode: 0o600 })
    await writeFile(changed, 'another one for the laptop', { mode: 0o600 })
    const names = async (): Promise<readonly string[]> =>
      JSON.parse(await run(['vault', 'show', '--json'])).ways.map((way: { name: string }) => way.name)
    await run(['vault', 'add', 'laptop', '--pass-file', laptop])
    assert.deepEqual(await names(), ['unlock-file', 'laptop'])
    assert.match(await run(['vault', 'show']), /laptop +passphrase +20\d\d-\d\d-\d\d +3 passes over 64 MiB/)
    await run(['vault', 'passwd', '--with', laptop, '--pass-file', changed])
    await run(['vault', 'harden', '--memory', '96', '--with', changed])
    const noKeyring = await stand.guichet(['vault', 'add', 'desk', '--keyring'], {
      env: { PATH: path.join(stand.work, 'no-programs') },
    })
    assert.equal(noKeyring.code, 6)
    assert.match(noKeyring.stderr, /there is no keyring here.*\nhint: .*unlock file or a passphrase/)
    await stand.kill('SIGTERM')
    await run(['vault', 'add', 'server', '--unlock-file', path.join(stand.work, 'server-unlock')])
    const last = await stand.guichet(['vault', 'remove', 'laptop', '--with', changed])
    assert.equal(last.code, 5)
    assert.match(last.stderr, /cannot be removed by itself\nhint: /)
    assert.equal((await stand.guichet(['vault', 'remove', 'server', '--with', laptop])).code, 3)
    await run(['vault', 'remove', 'laptop'])
    assert.deepEqual(await names(), ['unlock-file', 'server'])
    await stand.start()
    assert.equal((await ownerStatus(stand)).keyholder.state, 'ready', 'and the API key is untouched')
    await run(['vault', 'remove', 'server'])
    // Each of it stands in the ledger, also what was done without a gateway.
    const { entries } = JSON.parse(await run(['ledger', 'show', '--target', 'vault', '--json']))
    const vaultDeeds = entries.map(({ key, target }: Record<string, string>) => `${key}: ${target}`)
    assert.deepEqual(vaultDeeds.slice(-6), [
      'owner: let the vault open with laptop (passphrase), too',
      'owner: change a way to the vault',
      'owner: make a guess at a way to the vault dearer',
      'owner: let the vault open with server (file), too',
      'owner: let the vault not open with laptop any more',
      'owner: let the vault not open with server any more',
    ])
  })
})

describe('panic', () => {
  it('seals, ends every key, and says how to come back, which works (K2, K8)', async () => {
    const { key } = await stand.issue('all')
    assert.equal((await call(stand, key, 'folder/mkdir', { name: 'before-panic' })).json['status'], 'OK')
    const unasked = await stand.guichet(['panic'])
    assert.equal(unasked.code, 2)
    assert.match(unasked.stderr, /panic --yes/)
    const told = await stand.guichet(['panic', '--yes'])
    assert.equal(told.code, 0, told.stderr)
    assert.match(told.stdout, /^sealed: .*\nrevoked \d+ virtual keys?\n$/)
    const before = callsNow()
    assert.equal((await call(stand, key, 'folder/mkdir', { name: 'after-panic' })).json['status'], 'KO')
    const { keyholder, keys } = await ownerStatus(stand)
    assert.deepEqual([keyholder.state, keys.active], ['sealed', 0])
    assert.deepEqual(callsNow(), before)

    const steps = [...told.stderr.matchAll(/^ {2}\d\. guichet (\w+)/gm)].map((match) => match[1])
    assert.deepEqual(steps, ['rotate', 'ledger', 'unseal', 'key'])
    await run(['rotate', '--key-file', '-'], stand.emulator.makeApiKey())
    assert.equal((await ownerStatus(stand)).keyholder.state, 'sealed')
    await run(['unseal'])
    const fresh = await stand.issue('all')
    assert.equal((await call(stand, fresh.key, 'folder/mkdir', { name: 'back' })).json['status'], 'OK')
  })

  it('works when no gateway runs: the next one starts sealed, without a good key (K2, K8)', async () => {
    const { key } = await stand.issue('all')
    await stand.kill('SIGKILL')
    const told = await stand.guichet(['panic', '--yes', '--json'])
    assert.equal(told.code, 0, told.stderr)
    const { revoked, ...rest } = JSON.parse(told.stdout)
    assert.deepEqual(rest, { sealed: true, gateway: 'not-answering' })
    assert.ok(revoked >= 1)
    assert.match(told.stderr, /no gateway answered/)
    await stand.start()
    const { keyholder, keys } = await ownerStatus(stand)
    assert.deepEqual([keyholder.state, keys.active], ['sealed', 0])
    const { json } = await call(stand, key, 'folder/mkdir', { name: 'never' })
    assert.equal(json['status'], 'KO')
    const sealedAgain = await stand.guichet(['seal'])
    assert.equal(sealedAgain.code, 0, sealedAgain.stderr)
    await run(['unseal'])
    assert.ok(!readFileSync(path.join(stand.home, 'vault'), 'utf8').includes(stand.emulator.apiKey))
  })
})
