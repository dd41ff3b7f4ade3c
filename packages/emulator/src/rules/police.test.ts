import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { initialReadings, type Readings } from '../readings.ts'
import { INITIAL_RULES, Police, type RuleSettings } from './police.ts'
import type { JudgedCall } from './rules.ts'

const MINUTE_MS = 60_000

function policeWith(settings: Partial<RuleSettings> = {}, readings: Partial<Readings> = {}): Police {
  const now: Readings = { ...initialReadings(), ...readings }
  return new Police({ ...INITIAL_RULES, level: 'documented', ...settings }, () => now)
}

function callTo(endpoint: string, more: Partial<JudgedCall> = {}): JudgedCall {
  return { endpoint, ip: '127.0.0.1', user: 'owner@example.com', key: 'key', folderId: 0, ...more }
}

/** What the police says to calls at these moments: `go`, or the rule that a call broke, or `lock`. */
function judgements(police: Police, calls: readonly (readonly [JudgedCall, number])[]): string[] {
  return calls.map(([call, nowMs]) => {
    const verdict = police.judge(call, nowMs)
    return verdict.kind === 'go' ? 'go' : (verdict.broken ?? 'lock')
  })
}

describe('the police', () => {
  it('lets everything pass when the rules are off', () => {
    const police = policeWith({ level: 'off' })
    const calls = Array.from({ length: 50 }, () => [callTo('user/info'), 0] as const)
    assert.ok(judgements(police, calls).every((judgement) => judgement === 'go'))
  })

  it('locks the address at the fourth call of a second', () => {
    const info = callTo('file/info')
    const calls = [0, 300, 600, 999].map((ms) => [info, ms] as const)
    assert.deepEqual(judgements(policeWith(), calls), ['go', 'go', 'go', 'general'])
    const slower = [0, 300, 600, 1_000].map((ms) => [info, ms] as const)
    assert.deepEqual(judgements(policeWith(), slower), ['go', 'go', 'go', 'go'])
  })

  it('locks the address at more than two calls a second on average when observation is enforced', () => {
    const info = callTo('file/info')
    const calls = [0, 400, 800, 1_200, 1_600, 2_000, 2_400].map((ms) => [info, ms] as const)
    const allowed = Array.from({ length: 6 }, () => 'go')
    assert.deepEqual(judgements(policeWith({ level: 'observed' }), calls), [...allowed, 'pace'])
    assert.deepEqual(judgements(policeWith(), calls), [...allowed, 'go'])
    const slower = [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000].map((ms) => [info, ms] as const)
    assert.deepEqual(judgements(policeWith({ level: 'observed' }), slower), [...allowed, 'go'])
  })

  it('allows one listing of a folder in 30 s, and counts file/ls and folder/ls apart', () => {
    const calls = [
      [callTo('file/ls', { folderId: 7 }), 0],
      [callTo('folder/ls', { folderId: 7 }), 1_000],
      [callTo('file/ls', { folderId: 8 }), 2_000],
      [callTo('file/ls', { folderId: 7 }), 29_999],
    ] as const
    assert.deepEqual(judgements(policeWith(), calls), ['go', 'go', 'go', 'folder-listing'])
  })

  it('counts file/ls and folder/ls together under the other reading', () => {
    const calls = [
      [callTo('file/ls', { folderId: 7 }), 0],
      [callTo('folder/ls', { folderId: 7 }), 1_000],
    ] as const
    assert.deepEqual(judgements(policeWith({}, { folderListing: 'shared' }), calls), ['go', 'folder-listing'])
  })

  it('allows one listing of all files an hour, or as often as the reading says', () => {
    const all = callTo('file/ls', { folderId: -1 })
    const calls = [
      [all, 0],
      [all, 59 * MINUTE_MS],
    ] as const
    assert.deepEqual(judgements(policeWith(), calls), ['go', 'all-files-listing'])
    assert.deepEqual(judgements(policeWith({}, { allFilesWindowMs: 10 * MINUTE_MS }), calls), ['go', 'go'])
  })

  it('counts user/info per address and per user, and locks only user/info for it', () => {
    const police = policeWith()
    const info = callTo('user/info')
    const calls = [
      [info, 0],
      [callTo('user/info', { ip: '127.0.0.2' }), 2 * MINUTE_MS],
      [callTo('file/info', { ip: '127.0.0.2' }), 2 * MINUTE_MS],
    ] as const
    assert.deepEqual(judgements(police, calls), ['go', 'user-info-user', 'go'])
    assert.deepEqual(
      judgements(policeWith(), [
        [info, 0],
        [info, 59_999],
      ]),
      ['go', 'user-info-ip'],
    )
  })

  it('asks for three seconds between any two listings only when observation is enforced', () => {
    const calls = [
      [callTo('file/ls', { folderId: 1 }), 0],
      [callTo('folder/ls', { folderId: 2 }), 2_999],
    ] as const
    assert.deepEqual(judgements(policeWith(), calls), ['go', 'go'])
    assert.deepEqual(judgements(policeWith({ level: 'observed' }), calls), ['go', 'listing-gap'])
  })

  it('locks all of /v1 for the scope, five minutes long, and not for others', () => {
    const police = policeWith({ lockProlongs: false })
    const twice = callTo('file/ls', { folderId: 7 })
    const calls = [
      [twice, 0],
      [twice, 1_000],
      [callTo('download/get_token'), 2_000],
      [callTo('download/get_token', { ip: '127.0.0.2' }), 2_000],
      [callTo('download/get_token'), 301_000],
    ] as const
    assert.deepEqual(judgements(police, calls), ['go', 'folder-listing', 'lock', 'go', 'go'])
  })

  it('locks one endpoint only when the reach says so', () => {
    const twice = callTo('file/ls', { folderId: 7 })
    const calls = [
      [twice, 0],
      [twice, 1_000],
      [callTo('download/get_token'), 2_000],
      [callTo('file/ls', { folderId: 9 }), 3_000],
    ] as const
    const judged = judgements(policeWith({ lockReach: 'endpoint' }), calls)
    assert.deepEqual(judged, ['go', 'folder-listing', 'go', 'lock'])
  })

  it('starts the lock anew at every call during it, and counts them', () => {
    const police = policeWith()
    const twice = callTo('file/ls', { folderId: 7 })
    judgements(police, [
      [twice, 0],
      [twice, 1_000],
      [twice, 250_000],
      [twice, 500_000],
    ])
    const lock = police.locks(500_000)[0]
    assert.equal(lock?.callsDuring, 2)
    assert.equal(lock?.untilMs, 800_000)
  })

  it('gives no tolerance unless it is told to', () => {
    const twice = callTo('file/ls', { folderId: 7 })
    const calls = [
      [twice, 0],
      [twice, 29_990],
    ] as const
    assert.deepEqual(judgements(policeWith(), calls), ['go', 'folder-listing'])
    assert.deepEqual(judgements(policeWith({ toleranceMs: 10 }), calls), ['go', 'go'])
  })

  it('passes a minute in a second when time is scaled by 60', () => {
    const twice = callTo('file/ls', { folderId: 7 })
    const police = policeWith({ timeScale: 60 })
    assert.deepEqual(
      judgements(police, [
        [twice, 0],
        [twice, 499],
      ]),
      ['go', 'folder-listing'],
    )
    assert.equal(police.locks(499)[0]?.untilMs, 499 + 5_000)
    police.forgive()
    assert.deepEqual(
      judgements(police, [
        [twice, 1_000],
        [twice, 1_500],
      ]),
      ['go', 'go'],
    )
  })

  it('silently allows half when it is twice as strict', () => {
    const police = policeWith({ strictness: 2 })
    const twice = callTo('file/ls', { folderId: 7 })
    assert.deepEqual(
      judgements(police, [
        [twice, 0],
        [twice, 45_000],
      ]),
      ['go', 'folder-listing'],
    )
  })

  it('bans an address after the 21st refusal of a minute', () => {
    const police = policeWith()
    const locks = Array.from({ length: 21 }, (_, n) => police.noteRefusal(callTo('file/info'), n * 1_000))
    assert.equal(locks.filter((lock) => lock !== undefined).length, 1)
    assert.equal(locks.at(-1)?.message, 'IP Locked #79')
    assert.deepEqual(judgements(police, [[callTo('file/ls'), 21_000]]), ['lock'])
  })

  it('locks another scope, with its message, when the settings name one', () => {
    const police = policeWith({ scopes: { 'folder-listing': 'key' } })
    const twice = callTo('file/ls', { folderId: 7 })
    judgements(police, [
      [twice, 0],
      [twice, 1],
    ])
    assert.match(police.locks(1)[0]?.message ?? '', /User APK Locked/)
    assert.deepEqual(judgements(police, [[callTo('file/info', { key: 'other' }), 5_000]]), ['go'])
  })
})
