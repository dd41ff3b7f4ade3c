import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import type { ApiTransfer } from '@guichet/sdk'
import { answerAsGateway } from '../gateway.testing.ts'
import { startProgress } from '../progress.ts'
import { openSession, type Session } from '../session.ts'
import { createWhirlpool } from '../whirlpool.ts'
import { openTestWorld } from '../world.testing.ts'
import { type Outcome, sendBatches } from './send.ts'

const CONTENT = 'some content'
const ID = 'abcdefghijklmnop'
const TRANSFER: ApiTransfer = {
  id: ID,
  name: 'a',
  folderId: 0,
  sizeBytes: CONTENT.length,
  whirlpool: createWhirlpool().update(CONTENT).digest('hex'),
  state: 'doubtful',
  attempts: 0,
  createdMs: 0,
}

interface Place extends AsyncDisposable {
  readonly session: Session
  readonly path: string
  errors(): string
  /** How often it was waited. */
  waits(): number
}

/** A gateway that takes the file, and then says these things of it, the last one again and again; or nothing at all. */
async function openPlace(answers: readonly Partial<ApiTransfer>[]): Promise<Place> {
  await using opened = new AsyncDisposableStack()
  const test = opened.use(await openTestWorld())
  const path = join(test.folder, 'a')
  await writeFile(path, CONTENT)
  let asked = 0
  const gateway = await answerAsGateway(test, (request, response) => {
    request.resume()
    request.once('end', () => {
      if (request.method === 'PUT') {
        const taken = { transfer: ID, state: 'spooled', whirlpool: TRANSFER.whirlpool }
        response.writeHead(202).end(JSON.stringify(taken))
        return
      }
      if (answers.length === 0) return void request.socket.destroy()
      const answer = answers[Math.min(asked, answers.length - 1)]
      asked += 1
      response.end(JSON.stringify({ ...TRANSFER, ...answer }))
    })
  })
  opened.use(gateway)
  let errors = ''
  const written = new Writable({
    write(chunk: Buffer, _encoding, done) {
      errors += chunk.toString()
      done()
    },
  })
  let waits = 0
  const clock = {
    nowMs: () => 0,
    async sleep() {
      waits += 1
    },
  }
  const session = opened.use(openSession({ ...test.world(), errors: written, clock }, {}))
  const owned = opened.move()
  return {
    session,
    path,
    errors: () => errors,
    waits: () => waits,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function send({ session, path }: Place, count = 1): Promise<Outcome> {
  using progress = startProgress(session)
  const source = { path, shown: 'a', names: ['a'], sizeBytes: CONTENT.length }
  const sends = Array.from({ length: count }, (_, number) => ({
    source,
    name: `a${number}`,
    replaces: false,
  }))
  return await sendBatches(session, [{ folder: '/', sends }], progress)
}

describe('waiting until a file is stored', () => {
  it('says once what is waited for, where nobody sees a bar, and goes on', async () => {
    const down = { waitsFor: '1fichier cannot be reached' }
    await using place = await openPlace([...Array.from({ length: 100 }, () => down), { state: 'stored' }])
    const { stored, failed } = await send(place)
    assert.deepEqual([stored.length, failed.length], [1, 0])
    assert.equal(place.errors().match(/waiting: 1fichier cannot be reached/g)?.length, 1)
    assert.match(place.errors(), /goes on by itself/)
  })

  it('says nothing of a trouble that soon is over', async () => {
    const down = { waitsFor: '1fichier cannot be reached' }
    const short = Array.from({ length: 15 }, () => down)
    await using place = await openPlace([...short, {}, ...short, { state: 'stored' }])
    assert.equal((await send(place)).stored.length, 1)
    assert.equal(place.errors(), '')
  })

  it('waits once for a gateway that is gone, not for each file', async () => {
    await using place = await openPlace([])
    const { stored, failed } = await send(place, 20)
    assert.deepEqual([stored.length, failed.length], [0, 20])
    assert.ok(failed.every(({ error }) => error.code === 'unavailable'))
    assert.equal(place.waits(), 7)
  })
})
