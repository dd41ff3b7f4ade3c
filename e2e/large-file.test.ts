import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Stand, startStand } from './stand.ts'
import {
  ask,
  childrenOf,
  forgetPeak,
  memoryOf,
  receive,
  type Synthetic,
  sendForm,
  sendPlain,
} from './streaming.ts'

const SIZE_BYTES = Number(process.env['LARGE_FILE_BYTES'] ?? 5_000_000_000)
const RESIDENT_MIB_MAX = 250

describe('a 5 GB file', { skip: process.platform === 'linux' ? false : 'memory is read from /proc' }, () => {
  it('goes up and down through both doors in less than 250 MiB of gateway and keyholder together (P8)', async (t) => {
    const [form, plain] = ['through the form', 'through PUT'].map((seed) => ({ seed, sizeBytes: SIZE_BYTES }))
    assert.ok(form !== undefined && plain !== undefined)
    // As after an installation: nothing is compiled yet.
    await using directory = await mkdtempDisposable(path.join(tmpdir(), 'guichet-compiled-'))
    await using stand = await startStand({
      timeScale: 10,
      env: { NODE_COMPILE_CACHE: path.join(directory.path, 'cache') },
      emulator: { storeContent: 'hash-only', syntheticSeeds: [form.seed, plain.seed] },
    })
    const { key } = await stand.issue('list,download,upload')
    report(t, stand, 'started')
    // Opening the vault takes 64 MiB on purpose, once.
    for (const pid of processesOf(stand)) forgetPeak(pid)
    await uploadByForm(stand, key, form)
    report(t, stand, 'up by the native door')
    const whirlpool = await uploadByPut(stand, key, plain)
    report(t, stand, 'up by PUT')
    const headers = await receive(contentUrl(stand, 'plain.bin'), key, plain)
    assert.equal(headers['x-guichet-whirlpool'], whirlpool)
    const residentMiB = report(t, stand, 'down')
    assert.ok(residentMiB < RESIDENT_MIB_MAX, `${residentMiB.toFixed(1)} MiB were resident`)
  })
})

/** As rclone and curl do: a node, the form, the report. What arrives must be what was sent, and twice the same sum. */
async function uploadByForm(stand: Stand, key: string, content: Synthetic): Promise<void> {
  const node = await ask(`${stand.url}/v1/upload/get_upload_server.cgi`, key, {
    headers: { 'content-type': 'application/json' },
  })
  const { id }: { id: string } = JSON.parse(node.text)
  const sent = await sendForm(`${stand.url}/upload.cgi?id=${id}`, key, 'form.bin', content)
  assert.equal(sent.status, 302, sent.text)
  const end = await ask(`${stand.url}${sent.headers.location}`, key, { headers: { json: '1' } })
  const { links }: { links: readonly { whirlpool: string; size: string }[] } = JSON.parse(end.text)
  assert.deepEqual(
    links.map(({ whirlpool, size }) => [whirlpool, Number(size)]),
    [[storedAt(stand, '/form.bin', content), SIZE_BYTES]],
  )
}

async function uploadByPut(stand: Stand, key: string, content: Synthetic): Promise<string> {
  const sent = await sendPlain(contentUrl(stand, 'plain.bin'), key, content)
  assert.equal(sent.status, 201, sent.text)
  const { whirlpool }: { whirlpool: string } = JSON.parse(sent.text)
  assert.equal(whirlpool, storedAt(stand, '/plain.bin', content))
  return whirlpool
}

/** The sum that the emulator has made of what it got. */
function storedAt(stand: Stand, path: string, { sizeBytes }: Synthetic): string {
  const stored = stand.emulator.account.files().filter((file) => file.path === path)
  assert.deepEqual(
    stored.map((file) => file.sizeBytes),
    [sizeBytes],
  )
  return stored[0]?.whirlpool ?? ''
}

function contentUrl(stand: Stand, name: string): string {
  return `${stand.url}/api/v1/content?at=/${name}`
}

/** The sum of both peaks, which need not have been at the same time; pages of Node's own file are counted twice. */
function report(t: TestContext, stand: Stand, when: string): number {
  const memories = processesOf(stand).map(memoryOf)
  const shown = memories.map(
    ({ peakMiB, ownMiB }) => `${peakMiB.toFixed(0)} (own ${ownMiB.toFixed(0)} at the end)`,
  )
  t.diagnostic(`${when}: peaks of gateway and keyholder in MiB: ${shown.join(' + ')}`)
  return memories.reduce((sum, { peakMiB }) => sum + peakMiB, 0)
}

function processesOf({ gateway: { pid = 0 } }: Stand): readonly number[] {
  return [pid, ...childrenOf(pid)]
}
