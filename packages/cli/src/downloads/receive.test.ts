import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import type { ApiFile } from '@guichet/sdk'
import { answerAsGateway } from '../gateway.testing.ts'
import { startProgress } from '../progress.ts'
import { openSession, type Session } from '../session.ts'
import { createWhirlpool } from '../whirlpool.ts'
import { openTestWorld, type TestWorld } from '../world.testing.ts'
import { partOf, receiveFile } from './receive.ts'

const CONTENT = Buffer.from('0123456789'.repeat(100))
const WHIRLPOOL = createWhirlpool().update(CONTENT).digest('hex')
const FILE: ApiFile = {
  kind: 'file',
  id: 'abcde',
  name: 'f',
  path: '/f',
  folderId: 0,
  sizeBytes: CONTENT.length,
  dateMs: 0,
  whirlpool: WHIRLPOOL,
  link: 'https://1fichier.com/?abcde',
  hasPassword: false,
}

type Answer = (response: ServerResponse, startByte: number, count: number) => void

const whole: Answer = (response, startByte) => {
  const range = { 'content-range': `bytes ${startByte}-${CONTENT.length - 1}/${CONTENT.length}` }
  response.writeHead(startByte > 0 ? 206 : 200, startByte > 0 ? range : {})
  response.end(CONTENT.subarray(startByte))
}

interface Gate extends AsyncDisposable {
  readonly test: TestWorld
  readonly session: Session
  /** Where each request began. */
  readonly starts: number[]
}

async function openGate(answer: Answer): Promise<Gate> {
  await using opened = new AsyncDisposableStack()
  const test = opened.use(await openTestWorld())
  const starts: number[] = []
  const gateway = await answerAsGateway(test, (request, response) => {
    const startByte = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    starts.push(startByte)
    answer(response, startByte, starts.length)
  })
  opened.use(gateway)
  const world = { ...test.world(), clock: { nowMs: () => 0, sleep: async () => {} } }
  const session = opened.use(openSession(world, { quiet: true }))
  const owned = opened.move()
  return { test, session, starts, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function receive(
  gate: Gate,
  file: ApiFile = FILE,
): Promise<{ readonly path: string; readonly isVerified: boolean }> {
  const path = join(gate.test.folder, 'f')
  using progress = startProgress(gate.session)
  const { isVerified } = await receiveFile(gate.session, file, path, progress)
  return { path, isVerified }
}

describe('receiving a file', () => {
  it('leaves the whole file under its name, and nothing else', async () => {
    await using gate = await openGate(whole)
    const { path, isVerified } = await receive(gate)
    assert.ok(isVerified)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.equal(existsSync(partOf(path, FILE.id)), false)
  })

  it('goes on at the very byte where an earlier attempt stopped', async () => {
    await using gate = await openGate(whole)
    await writeFile(partOf(join(gate.test.folder, 'f'), FILE.id), CONTENT.subarray(0, 333))
    const { path } = await receive(gate)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.deepEqual(gate.starts, [333])
  })

  it('goes on by itself after the connection broke', async () => {
    await using gate = await openGate((response, startByte, count) => {
      if (count > 1) return whole(response, startByte, count)
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(0, 400), () => response.destroy())
    })
    const { path } = await receive(gate)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.deepEqual(gate.starts, [0, 400])
  })

  it('begins anew when the part belonged to something else', async () => {
    await using gate = await openGate(whole)
    await writeFile(partOf(join(gate.test.folder, 'f'), FILE.id), 'x'.repeat(50))
    const { path } = await receive(gate)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.deepEqual(gate.starts, [50, 0])
  })

  it('takes nothing over that no checksum can tell from this file, and goes on with its own bytes', async () => {
    await using gate = await openGate((response, startByte, count) => {
      if (count > 1) return whole(response, startByte, count)
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(0, 400), () => response.destroy())
    })
    await writeFile(partOf(join(gate.test.folder, 'f'), FILE.id), 'x'.repeat(50))
    const { whirlpool: _, ...unknown } = FILE
    const { path, isVerified } = await receive(gate, unknown)
    assert.equal(isVerified, false)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.deepEqual(gate.starts, [0, 400])
  })

  it('drops a part that is longer than the file', async () => {
    await using gate = await openGate(whole)
    await writeFile(partOf(join(gate.test.folder, 'f'), FILE.id), 'x'.repeat(5_000))
    const { path } = await receive(gate)
    assert.deepEqual(await readFile(path), CONTENT)
  })

  it('keeps nothing of bytes that are not the right ones', async () => {
    await using gate = await openGate((response) => response.end(Buffer.alloc(CONTENT.length)))
    await assert.rejects(receive(gate), { code: 'corrupt' })
    assert.equal(gate.starts.length, 2)
    assert.equal(existsSync(join(gate.test.folder, 'f')), false)
    assert.equal(existsSync(partOf(join(gate.test.folder, 'f'), FILE.id)), false)
  })

  it('touches no file of somebody else that is named like a part', async () => {
    await using gate = await openGate(whole)
    const own = join(gate.test.folder, 'f.part')
    await writeFile(own, 'my own')
    const { path } = await receive(gate)
    assert.deepEqual(await readFile(path), CONTENT)
    assert.equal(await readFile(own, 'utf8'), 'my own')
  })

  it('writes through no link in the place of the part', async () => {
    await using gate = await openGate(whole)
    const victim = join(gate.test.folder, 'victim')
    await writeFile(victim, 'my own')
    await symlink(victim, partOf(join(gate.test.folder, 'f'), FILE.id))
    await assert.rejects(receive(gate), { code: 'ELOOP' })
    assert.equal(await readFile(victim, 'utf8'), 'my own')
  })

  it('leaves the right file when two commands fetch it to one place at once', async () => {
    const others: (() => void)[] = []
    await using gate = await openGate((response, startByte, count) => {
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(startByte, 400))
      others.push(() => response.end(CONTENT.subarray(400)))
      if (count === 2) for (const end of others) end()
    })
    const [first, second] = await Promise.all([receive(gate), receive(gate)])
    assert.equal(first.path, second.path)
    assert.deepEqual(gate.starts, [0, 0])
    assert.deepEqual(await readFile(first.path), CONTENT)
    assert.equal(existsSync(partOf(first.path, FILE.id)), false)
  })

  it('finds room for its ending in the longest of names', () => {
    assert.equal(Buffer.byteLength(basename(partOf(`/d/${'x'.repeat(255)}`, 'abcde'))), 255)
    assert.doesNotMatch(partOf(`/d/${'é'.repeat(127)}`, 'abcde'), /\ufffd/)
  })

  it('does not take the beginning for the rest when a range is not honoured', async () => {
    await using gate = await openGate((response) => response.end(CONTENT))
    await writeFile(partOf(join(gate.test.folder, 'f'), FILE.id), CONTENT.subarray(0, 10))
    await assert.rejects(receive(gate), { code: 'conflict' })
  })
})
