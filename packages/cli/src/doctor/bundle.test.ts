import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bundleOf } from './bundle.ts'
import { diagnose } from './checks.ts'
import { healthyFacts, healthyStatus, keyFact } from './facts.testing.ts'
import type { DoctorFacts } from './facts.ts'

const ABOUT = { version: '0.1.0', arch: 'x64', log: [] }

/** Facts with a text of somebody else's wherever there is a text at all. */
function factsWith(text: string): DoctorFacts {
  const status = healthyStatus()
  const path = `/home/${text}/${text}`
  return {
    ...healthyFacts(),
    nodeVersion: text,
    home: path,
    files: [{ path, kind: 'file', mode: 0o644, uid: 5, role: 'secret' }],
    vault: { problem: text },
    config: { host: text, port: 1, unlock: { kind: 'file', path }, reserveBytes: 1, isEncrypted: false },
    status: {
      ...status,
      version: text,
      address: `http://${text}:1`,
      keyholder: { state: 'sealed', reason: text },
      scheduler: {
        waiting: [{ endpoint: text, key: text, priority: text, waitMs: 1, reason: text }],
        locks: [{ reach: text, state: 'open', reason: text, scope: text }],
        rules: [{ id: text, burst: 1, gapMs: 1, source: text }],
      },
      upstream: { ...status.upstream, calls: { [text]: 1 } },
      transfers: { [text]: 1 },
      transfersWaitFor: text,
    },
    database: {
      schema: 1,
      problems: [text],
      keys: [keyFact({ id: text, name: text, verbs: [text], rootPath: text })],
      stopped: [text],
      clock: undefined,
      counts: { files: 1 },
    },
    ledger: { problem: text },
    authority: { problem: text },
    copies: [{ path, line: 1, tool: 'rclone' }],
    shellLines: [{ path, line: 1, what: 'proxy' }],
  }
}

describe('a support file (U6)', () => {
  it('has no text in it that came from anywhere but Guichet, whatever the facts say (U6)', () => {
    const strange = fc.string({ minLength: 6, unit: fc.constantFrom(...'QXZ@.~ÿ{}"\\%') })
    fc.assert(
      fc.property(strange, (text) => {
        const facts = factsWith(text)
        const log = [
          JSON.stringify({
            level: 40,
            time: 5,
            code: text,
            door: text,
            msg: text,
            target: text,
            [text]: text,
          }),
          text,
        ]
        const written = JSON.stringify(bundleOf(facts, diagnose(facts), { version: text, arch: text, log }))
        for (const form of [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)])
          assert.ok(!written.includes(form), form)
      }),
    )
  })

  it('tells what helps: versions, what was found, how the scheduler is, counts (U6)', () => {
    const facts = {
      ...healthyFacts(),
      status: {
        ...healthyStatus(),
        scheduler: {
          waiting: [],
          rules: [],
          locks: [{ reach: 'api', state: 'stopped', reason: 'No such user #1 (ada@example.org)' } as const],
        },
      },
    }
    const log = [
      '{"level":40,"time":1700000000000,"code":"not-found","door":"native","verb":"list","target":"/x","msg":"denied"}',
    ]
    const bundle = JSON.parse(JSON.stringify(bundleOf(facts, diagnose(facts), { ...ABOUT, log })))
    assert.equal(bundle.format, 'guichet-support')
    assert.deepEqual(bundle.findings, [{ check: 'refusals', severity: 'serious' }])
    assert.deepEqual(bundle.status.locks, [{ reach: 'api', state: 'stopped', reason: 'No such user' }])
    assert.equal(bundle.database.schema, 7)
    assert.equal(bundle.config.listen, 'this machine')
    assert.deepEqual(bundle.log, [
      { level: 40, time: 1_700_000_000_000, door: 'native', verb: 'list', code: 'not-found' },
    ])
  })
})
