import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FaultKind, FaultSpec } from '@guichet/emulator'
import { type Ended, FaultBench, startFaultStand, type Wish } from './fault-bench.ts'
import { ownerStatus } from './stand.ts'
import { until } from './until.ts'

/** The answer is lost, broken or none of ours; the operation was carried out or not. */
const BROKEN: readonly FaultKind[] = [
  { kind: 'reset' },
  { kind: 'reset-after' },
  { kind: 'cut', afterBytes: 10 },
  { kind: 'html' },
  { kind: 'html', done: true },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503 },
  { kind: 'maintenance' },
]
/** Answers that only lie about themselves. */
const WRITTEN_WRONG: readonly FaultKind[] = [
  { kind: 'truncated-json' },
  { kind: 'wrong-length', byBytes: 5 },
  { kind: 'wrong-length', byBytes: -5 },
]
const LOCKS: readonly FaultKind[] = [
  { kind: 'too-many' },
  { kind: 'too-many', retryAfterSeconds: 1 },
  { kind: 'flood', scope: 'ip', locks: true },
  { kind: 'flood', scope: 'user', locks: true },
  { kind: 'flood', scope: 'key', locks: true },
]
const PERMANENT: readonly FaultKind[] = [
  { kind: 'refusal', refusal: 'not-authenticated' },
  { kind: 'refusal', refusal: 'no-such-user' },
  { kind: 'refusal', refusal: 'bad-token' },
  { kind: 'refusal', refusal: 'ip-blocked' },
  { kind: 'refusal', refusal: 'must-be-customer' },
  { kind: 'refusal', refusal: 'professional-equipment' },
]
const OWNER_LOCKED: FaultKind = { kind: 'refusal', refusal: 'owner-locked' }
const SLOW: FaultKind = { kind: 'slow', delayMs: 300 }

const LOST = /"Not available: .* #50\d"/
const LOCKED = /"Flood detected: .* #374"/
const REFUSED = /"No such user: .* #93"/
const NOT_ALLOWED = /"Resource not allowed: .* #186"/

interface Case {
  readonly faults: readonly FaultKind[]
  /** The right result in spite of the fault, or the error. */
  readonly ends: 'right' | RegExp
  /** Nothing is sent any more until a person resumes. */
  readonly stops?: boolean
}

describe('a fault of 1fichier, one at a time', () => {
  it('in a listing is told, and the next listing is right', async () => {
    await each('folder/ls', (bench) => bench.list(), [
      { faults: [SLOW], ends: 'right' },
      { faults: [...BROKEN, ...WRITTEN_WRONG], ends: LOST },
      { faults: LOCKS, ends: LOCKED },
      { faults: [OWNER_LOCKED], ends: NOT_ALLOWED },
      { faults: PERMANENT, ends: REFUSED, stops: true },
    ])
  })

  it('in the asking for a download is mended where asking again can mend it', async () => {
    await each('download/get_token', (bench) => bench.download(), [
      { faults: [SLOW, ...BROKEN, ...WRITTEN_WRONG], ends: 'right' },
      { faults: LOCKS, ends: LOCKED },
      { faults: [OWNER_LOCKED], ends: NOT_ALLOWED },
      { faults: PERMANENT, ends: REFUSED, stops: true },
    ])
  })

  it('in the bytes of a download never reaches the client', async () => {
    const professional: FaultKind = { kind: 'refusal', refusal: 'professional-equipment' }
    await each('direct', (bench) => bench.download(), [
      { faults: [SLOW, ...BROKEN], ends: 'right' },
      { faults: [{ kind: 'cut', afterBytes: 100_000 }], ends: 'right' },
      { faults: [{ kind: 'corrupt' }, { kind: 'corrupt', offset: 299_999 }], ends: 'right' },
      { faults: [{ kind: 'expired-link' }], ends: 'right' },
      { faults: WRITTEN_WRONG.slice(1), ends: 'right' },
      { faults: LOCKS, ends: LOCKED },
      { faults: [professional], ends: REFUSED },
    ])
    await each('direct', (bench) => bench.download('end'), [
      { faults: [{ kind: 'ignore-range' }, { kind: 'cut', afterBytes: 10_000 }], ends: 'right' },
    ])
  })

  it('in the asking for an upload node is mended before the client hears of it', async () => {
    await each('upload/get_upload_server', (bench) => bench.upload(), [
      { faults: [SLOW, ...BROKEN, ...WRITTEN_WRONG, ...LOCKS], ends: 'right' },
      { faults: PERMANENT, ends: REFUSED, stops: true },
    ])
  })

  it('in the sending of content loses nothing and doubles nothing', async () => {
    await each('upload.cgi', (bench) => bench.upload(), [
      { faults: [SLOW, ...BROKEN, ...LOCKS], ends: 'right' },
      { faults: [{ kind: 'cut', afterBytes: 15_000 }], ends: 'right' },
      { faults: [{ kind: 'corrupt' }, { kind: 'node-cannot-open' }], ends: 'right' },
      {
        faults: [PERMANENT[0], PERMANENT[5]].filter((fault) => fault !== undefined),
        ends: REFUSED,
        stops: true,
      },
    ])
  })

  it('in the page behind the redirect of an upload is no reason to send anything again', async () => {
    await using stand = await startFaultStand()
    // Only the redirect names the report, and only the report has the files stored.
    stand.emulator.setReadings({ xid: 'different', storeDelayMs: 86_400_000 })
    const bench = new FaultBench(stand, (await stand.issue('all')).key)
    stand.emulator.fault({ at: 'upload.cgi', kind: 'wrong-length', byBytes: 5 })
    assert.deepEqual(await (await bench.upload()).run(), { kind: 'right' })
    assert.equal(stand.emulator.snapshot().uploads.requests, 1)
  })

  it('in the report of an upload costs another look at the most', async () => {
    await each('end.pl', (bench) => bench.upload(), [
      { faults: [SLOW, ...BROKEN, ...WRITTEN_WRONG, ...LOCKS, ...PERMANENT], ends: 'right' },
      { faults: [{ kind: 'end-late' }, { kind: 'end-late', shape: 'empty' }], ends: 'right' },
    ])
  })

  it('in a change is told, and asked again it is done once', async () => {
    await each('folder/mkdir', (bench) => bench.makeFolder(), [
      { faults: [SLOW], ends: 'right' },
      { faults: [...BROKEN, ...WRITTEN_WRONG], ends: LOST },
      { faults: LOCKS, ends: LOCKED },
      { faults: PERMANENT, ends: REFUSED, stops: true },
    ])
  })

  it('of a second place waits out its five minutes, and says so', async () => {
    await using stand = await startFaultStand()
    const bench = new FaultBench(stand, (await stand.issue('all')).key)
    const [first, second] = [await bench.list(), await bench.list()]
    stand.emulator.fault({ at: 'folder/ls', kind: 'refusal', refusal: 'one-location' })
    assert.match(await failing(first), LOCKED)
    const calls = bench.calls()
    assert.match(await failing(second), /try again in \d{3} s; nothing is sent until then/)
    assert.equal(bench.calls(), calls)
  })

  it('that halves every limit leads to locks, which are waited out', async () => {
    await using stand = await startFaultStand()
    const bench = new FaultBench(stand, (await stand.issue('all')).key)
    stand.emulator.fault({ at: 'folder/ls', kind: 'halve-limits' })
    for (let count = 0; count < 12; count += 1) {
      const wish = await bench.list()
      await until('a listing within half the limits', async () => {
        const ended = await wish.run()
        if (ended.kind === 'error') assert.match(ended.text, LOCKED)
        return ended.kind === 'right'
      })
    }
    assert.equal(stand.emulator.snapshot().callsInLock, 0)
  })

  it('that is silence holds up nobody else, and is overcome by a restart at the latest', async () => {
    await using stand = await startFaultStand()
    const bench = new FaultBench(stand, (await stand.issue('all')).key)
    for (const [at, wish] of [
      ['folder/ls', await bench.list()],
      ['direct', await bench.download()],
    ] as const) {
      const { ended, giveUp } = await meetSilence(bench, at, wish)
      giveUp.abort()
      assert.match(messageOf(await ended), /aborted/)
      assert.deepEqual(await wish.run(), { kind: 'right' }, at)
    }
    for (const at of ['upload.cgi', 'end.pl']) {
      const stalled = await bench.upload()
      const { ended, giveUp } = await meetSilence(bench, at, stalled)
      assert.deepEqual(
        await (await bench.upload()).run(),
        { kind: 'right' },
        `an upload during a silent ${at}`,
      )
      giveUp.abort()
      await ended
      await stand.kill('SIGKILL')
      await stand.start()
      assert.deepEqual(await stalled.run(), { kind: 'right' }, `an upload after a silent ${at}`)
    }
    assert.equal(stand.emulator.snapshot().uploads.files, 4)
  })
})

/** The wish has reached 1fichier, which does not answer: only now can its client give up in the middle of it. */
async function meetSilence(
  bench: FaultBench,
  at: string,
  wish: Wish,
): Promise<{ readonly ended: Promise<Ended>; readonly giveUp: AbortController }> {
  const { emulator } = bench.stand
  const silences = (): number => emulator.snapshot().faults['stall'] ?? 0
  const before = silences()
  emulator.fault({ at, kind: 'stall' })
  const giveUp = new AbortController()
  const ended = wish.run(giveUp.signal)
  await until(`the silence of ${at}`, () => silences() > before)
  return { ended, giveUp }
}

/** Each fault of each case, met by a wish of its own on one stand. */
async function each(
  at: string,
  prepare: (bench: FaultBench) => Promise<Wish>,
  cases: readonly Case[],
): Promise<void> {
  await using stand = await startFaultStand()
  const bench = new FaultBench(stand, (await stand.issue('all')).key)
  for (const one of cases)
    for (const fault of one.faults) await meet(bench, { at, ...fault }, one, await prepare(bench))
  const { broken, callsInLock } = stand.emulator.snapshot()
  assert.deepEqual({ broken, callsInLock }, { broken: {}, callsInLock: 0 })
}

async function meet(bench: FaultBench, fault: FaultSpec, expected: Case, wish: Wish): Promise<void> {
  const { emulator } = bench.stand
  const what = JSON.stringify(fault)
  const before = emulator.snapshot()
  emulator.fault(fault)
  const first = await wish.run()
  assert.deepEqual(emulator.faults(), [], `${what} was not met`)
  if (expected.ends === 'right') assert.deepEqual(first, { kind: 'right' }, what)
  else assert.match(messageOf(first), expected.ends, what)
  const asked = bench.calls(fault.at) - (before.calls[fault.at] ?? 0)
  assert.ok(asked <= (expected.ends === 'right' ? 2 : 1), `${what}: ${asked} calls`)
  if (expected.stops === true) await assertStopped(bench, wish, what)
  assert.deepEqual(await wish.run(), { kind: 'right' }, `after ${what}`)
  const after = emulator.snapshot()
  const sent = after.uploads.files - before.uploads.files
  assert.ok(sent <= (fault.kind === 'corrupt' ? 2 : 1), `${what}: ${sent} files were sent`)
  assert.equal(after.callsInLock, 0, `${what}: a call during the lock`)
}

/** A permanent refusal: not one call more, until a person resumes. */
async function assertStopped(bench: FaultBench, wish: Wish, what: string): Promise<void> {
  const calls = bench.calls()
  assert.match(await failing(wish), REFUSED, what)
  assert.equal(bench.calls(), calls, `${what}: a refusal was asked for again`)
  await bench.resume()
  assert.deepEqual((await ownerStatus(bench.stand)).scheduler.locks, [], what)
}

async function failing(wish: Wish): Promise<string> {
  return messageOf(await wish.run())
}

function messageOf(ended: Ended): string {
  return ended.kind === 'error' ? ended.text : 'right'
}
