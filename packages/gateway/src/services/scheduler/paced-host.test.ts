import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ENDPOINTS,
  type FileHost,
  type FileLink,
  GatewayError,
  type HostCall,
  MINUTE_MS,
  UNPACED,
} from '@guichet/core'
import { fileId, refusingHost } from '@guichet/testkit'
import { paceHost } from './paced-host.ts'
import { FLOOD, folder, keyOf, World } from './world.testing.ts'

const LINK: FileLink = { domain: '1fichier.com', id: fileId('file') }
const CALL: HostCall = {}
const CALLER = { key: keyOf(1), priority: 'interactive' } as const

/** One call of each method, with the name it is counted by. */
const CALLS: readonly (readonly [string, (host: FileHost) => Promise<unknown>])[] = [
  ['folder/ls', (host) => host.listFolder(folder(7), CALL)],
  ['file/ls', (host) => host.listFiles('all', {}, CALL)],
  ['file/info', (host) => host.fileInfo(LINK, {}, CALL)],
  ['folder/mkdir', (host) => host.makeFolder('name', folder(7), CALL)],
  ['folder/mv', (host) => host.renameFolder(folder(7), 'name', folder(8), CALL)],
  ['folder/mv', (host) => host.moveFolder(folder(7), folder(8), CALL)],
  ['folder/rm', (host) => host.removeFolder(folder(7), CALL)],
  ['folder/share', (host) => host.shareFolder(folder(7), {}, CALL)],
  ['file/mv', (host) => host.moveFiles([LINK], folder(7), undefined, CALL)],
  ['file/rename', (host) => host.renameFiles([], CALL)],
  ['file/cp', (host) => host.copyFiles([LINK], folder(7), {}, CALL)],
  ['file/rm', (host) => host.removeFiles([LINK], CALL)],
  ['file/chattr', (host) => host.changeFiles([LINK], {}, CALL)],
  ['file/scan', (host) => host.scanFile(LINK, CALL)],
  ['upload/get_upload_server', (host) => host.uploadTarget(CALL)],
  ['upload.cgi', (host) => host.upload({ node: 'up2.1fichier.com', id: 'abc' }, folder(7), [], CALL)],
  ['end.pl', (host) => host.uploadReport({ node: 'up2.1fichier.com', xid: 'abc' }, CALL)],
  ['download/get_token', (host) => host.downloadToken(LINK, {}, CALL)],
  ['direct', (host) => host.openDirect(new URL('https://a-1.1fichier.com/p1'), undefined, CALL)],
  ['user/info', (host) => host.account(CALL)],
  ['user/info', (host) => host.changeAccount({}, CALL)],
  ['remote/request', (host) => host.remote.start([], folder(7), {}, CALL)],
  ['remote/ls', (host) => host.remote.list(CALL)],
  ['remote/info', (host) => host.remote.info(1, CALL)],
  ['ftp/process', (host) => host.ftp.process(CALL)],
  ['ftp/users/ls', (host) => host.ftp.list(CALL)],
  ['ftp/users/add', (host) => host.ftp.add({ name: 'n', pass: 'p' }, CALL)],
  ['ftp/users/rm', (host) => host.ftp.remove('n', CALL)],
  ['vouchers/ls', (host) => host.vouchers.list(CALL)],
  ['vouchers/check', (host) => host.vouchers.check('v', CALL)],
  ['vouchers/use', (host) => host.vouchers.use('v', 'a@b.c', CALL)],
  ['dir', (host) => host.publicFolder('abcdef', {}, CALL)],
  ['check_links', (host) => host.checkLinks([LINK], CALL)],
]

describe('a paced host', () => {
  it('takes a turn of the right endpoint for each call of the API, and counts the rest', async () => {
    await using world = await World.open()
    const expected: Record<string, number> = {}
    for (const [name, ask] of CALLS) {
      expected[name] = (expected[name] ?? 0) + 1
      const host = paceHost(refusingHost(), world.scheduler, CALLER)
      // The host behind refuses by failing, which proves that it was reached.
      await assert.rejects(world.clock.until((async () => ask(host))()), /1fichier was called/, name)
    }
    assert.deepEqual(world.scheduler.status().upstream.calls, expected)
    assert.deepEqual(Object.keys(expected).sort(), [...ENDPOINTS, ...UNPACED].sort())
  })

  it('names the folder of a listing, so that its own window counts', async () => {
    await using world = await World.open()
    const host = paceHost(answering(), world.scheduler, CALLER)
    const startMs = world.clock.nowMs()
    const asks = [host.listFiles(folder(7), {}, CALL), host.listFiles(folder(7), {}, CALL)]
    await world.clock.until(Promise.all(asks))
    assert.equal(world.clock.nowMs() - startMs, 30_000)
  })

  it('ends the wait with the signal of the call or of the caller, and tells the host', async () => {
    await using world = await World.open()
    const [caller, call] = [new AbortController(), new AbortController()]
    const host = paceHost(answering(), world.scheduler, { ...CALLER, signal: caller.signal })
    await world.clock.until(host.listFiles(folder(7), {}, { signal: call.signal }))
    const waiting = [
      host.listFiles(folder(7), {}, { signal: call.signal }),
      host.listFiles(folder(7), {}, CALL),
    ]
    const ends = waiting.map((wait) => assert.rejects(wait, { code: 'cancelled' }))
    call.abort()
    await ends[0]
    caller.abort()
    await ends[1]
    let told: AbortSignal | undefined
    const uploading: FileHost = {
      ...refusingHost(),
      uploadReport: async (_receipt, { signal }) => {
        told = signal
        return { kind: 'pending' }
      },
    }
    const other = new AbortController()
    const paced = paceHost(uploading, world.scheduler, { ...CALLER, signal: other.signal })
    await paced.uploadReport({ node: 'n', xid: 'x' }, { signal: new AbortController().signal })
    other.abort()
    assert.equal(told?.aborted, true)
  })

  it('holds the API back during a lock that an upload or download node tells of, also after a restart', async () => {
    await using world = await World.open()
    const failing = (failure: GatewayError): FileHost => ({
      ...answering(),
      uploadReport: () => Promise.reject(failure),
    })
    const report = (failure: GatewayError): Promise<unknown> =>
      paceHost(failing(failure), world.scheduler, CALLER).uploadReport({ node: 'n', xid: 'x' }, CALL)
    const crowded = new GatewayError('locked', 'too many connections', { facts: { why: 'connections' } })
    await assert.rejects(report(crowded), crowded)
    assert.deepEqual(world.scheduler.status().scheduler.locks, [])
    await assert.rejects(report(FLOOD), FLOOD)
    assert.equal(world.scheduler.status().upstream.locksMet, 1)
    await world.restart()
    const impatient = paceHost(answering(), world.scheduler, { ...CALLER, patienceMs: 0 })
    await assert.rejects(impatient.listFiles(folder(7), {}, CALL), { code: 'locked' })
    await world.clock.until(paceHost(answering(), world.scheduler, CALLER).listFiles(folder(7), {}, CALL))
    assert.equal(world.clock.nowMs() - world.startMs, 5 * MINUTE_MS)
  })

  it('is as patient as its caller', async () => {
    await using world = await World.open()
    const host = paceHost(answering(), world.scheduler, { ...CALLER, patienceMs: 1_000 })
    await world.clock.until(host.listFiles('all', {}, CALL))
    await assert.rejects(host.listFiles('all', {}, CALL), { code: 'paced', retryAfterMs: 60 * MINUTE_MS })
  })
})

function answering(): FileHost {
  return { ...refusingHost(), listFiles: async () => [] }
}
