import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, parseFolderId, type TransferJournal, type Tree } from '@guichet/core'
import { sampleFile } from '@guichet/testkit'
import { FOLDER, hostWith, put, UploadsWorld } from './world.testing.ts'

describe('the uploader', () => {
  it('stores what was committed, tells the tree, and frees the spool (R8)', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { 'a.txt': 'hello' })
    const [transfer] = await world.passing(process.uploads.whenStored('u1'))
    assert.ok(transfer?.state.kind === 'stored' && transfer.isClaimed)
    assert.deepEqual(world.stored(), ['a.txt=hello'])
    const node = await world.tree.file(transfer.state.link.id)
    assert.equal(node?.folder, FOLDER)
    assert.equal(node?.whirlpool, transfer.whirlpool)
    assert.equal(world.spool.contents.size, 0)
    assert.equal(world.calls('listFolder'), 0, 'an upload needs no listing')
  })

  it('sends what arrives together for one folder in one request (T15)', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    for (let index = 0; index < 12; index += 1) {
      await put(process, `u${index}`, { [`${index}.txt`]: `content ${index}` })
      await world.clock.advance(100)
    }
    await world.until(async () => (await world.states()) === '12 stored')
    assert.equal(world.host.uploads.length, 1)
    assert.equal(world.calls('uploadTarget'), 1)
  })

  it('waits longer for company that was announced, but not for ever', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' }, { more: true })
    await world.clock.advance(4_000)
    await put(process, 'u2', { b: 'two' }, { more: true })
    await world.clock.advance(4_900)
    assert.equal(world.host.uploads.length, 0)
    await put(process, 'u3', { c: 'three' })
    await world.clock.advance(150)
    assert.deepEqual(world.host.uploads[0]?.names, ['a', 'b', 'c'])
    await put(process, 'u4', { d: 'four' }, { more: true })
    await world.clock.advance(5_001)
    assert.equal(world.host.uploads.length, 2)
  })

  it('takes along what arrived while it waited for its turn', async () => {
    await using world = await UploadsWorld.open()
    const turn = Promise.withResolvers<void>()
    const host = hostWith(world.host, 'uploadTarget', async (call) => {
      await turn.promise
      return await world.host.uploadTarget(call)
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(60_000)
    await put(process, 'u2', { b: 'two' })
    turn.resolve()
    await world.until(async () => (await world.states()) === '2 stored')
    assert.deepEqual(world.host.uploads, [{ folder: FOLDER, names: ['a', 'b'], isAccepted: true }])
  })

  it('keeps the limits of one request: files, bytes, big ones alone, a name once', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start({ filesMax: 3, bytesMax: 60, aloneBytes: 20 })
    await put(process, 'u1', { big: 'x'.repeat(21), a: '1', b: '2', c: '3', d: '4' })
    await put(process, 'u2', { a: 'again' })
    await world.until(async () => (await world.states()) === '6 stored')
    const requests = world.host.uploads.map(({ names }) => names.join(' ')).toSorted()
    assert.deepEqual(requests, ['a b c', 'big', 'd a'])
    assert.equal(world.host.filesIn(FOLDER).filter(({ entry }) => entry.name === 'a').length, 2)
  })

  it('serves folders in turn', async () => {
    await using world = await UploadsWorld.open()
    const other = await world.host.makeFolder('other', parseFolderId(0), {})
    await world.tree.addFolder({ id: other, parent: parseFolderId(0), name: 'other' }, 0)
    await using process = await world.start({ filesMax: 1, inFlightMax: 1 })
    world.host.refusal = new GatewayError('locked', 'locked')
    await put(process, 'u1', { a: '1', b: '2', c: '3' })
    await put(process, 'u2', { d: '4' }, { folder: other })
    world.host.refusal = undefined
    await world.until(async () => (await world.states()) === '4 stored')
    assert.deepEqual(
      world.host.uploads.map(({ folder }) => folder === other),
      [false, true, false, false],
    )
  })

  it('does not send again after a 302, however late the report is', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ reportAfterMs: 100 * 60_000 })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
    assert.ok(world.calls('uploadReport') < 120, 'asked with growing waits')
    assert.equal(world.calls('listFolder'), 0)
  })

  it('does not send again after a 302 of which neither report nor listing shows anything, and says so', async () => {
    await using world = await UploadsWorld.open()
    await using first = await world.start()
    world.host.fail({ content: 'lost' })
    await put(first, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 doubtful')
    await first[Symbol.asyncDispose]()
    await using second = await world.start()
    await world.until(async () => (await world.states()) === '1 failed')
    assert.equal(world.host.uploads.length, 1)
    const failure = { code: 'upstream-changed', message: /1fichier took it, and shows it neither/ }
    await assert.rejects(second.uploads.whenStored('u1'), failure)
  })

  it('finds the file by a listing when the report never comes', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
    assert.equal(world.calls('listFolder'), 1)
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('stores once when the connection is cut after the content arrived', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut', reportAfterMs: Number.POSITIVE_INFINITY, shownAfterMs: 90_000 })
    await put(process, 'u1', { a: 'one', b: 'two' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
    assert.equal(world.calls('listFolder'), 2, 'the first look was too early')
  })

  it('needs no listing when the report is there although the 302 was lost', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut' })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
    assert.equal(world.calls('listFolder'), 0)
  })

  it('sends again only after two looks have shown that nothing arrived', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.until(() => world.host.uploads.length === 2)
    assert.equal(world.calls('listFolder'), 2)
    assert.ok(world.clock.nowMs() - Date.UTC(2026, 5, 1, 12) >= 120_000)
    const [transfer] = await world.passing(process.uploads.whenStored('u1'))
    assert.equal(transfer?.attempts, 1)
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('gives up after five attempts, says so, and keeps the content until the client knows', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    for (let count = 0; count < 5; count += 1) world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 failed')
    assert.equal(world.spool.contents.size, 1)
    await assert.rejects(process.uploads.whenStored('u1'), { code: 'upstream-down' })
    assert.equal(world.host.uploads.length, 5)
    assert.equal(world.spool.contents.size, 0)
  })

  it('counts no attempt when it was an end of our own that cut the request', async () => {
    await using world = await UploadsWorld.open()
    for (let life = 0; life < 7; life += 1) {
      world.host.fail({ answer: 'never', content: 'lost' })
      await using process = await world.start({ stallMs: 1e12 })
      if (life === 0) await put(process, 'u1', { a: 'one' })
      await world.until(async () => (await world.states()) === '1 sending')
      await world.clock.settle()
    }
    for (let count = 0; count < 7; count += 1) {
      const sealed = new GatewayError('sealed', 'the keyholder went away', { facts: { sent: true } })
      world.host.fail({ content: 'lost', answer: sealed })
    }
    await using process = await world.start()
    const [transfer] = await world.passing(process.uploads.whenStored('u1'))
    assert.equal(transfer?.attempts, 0)
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('does not take an older file of the same name and content for the new one', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'same' })
    const [older] = await world.passing(process.uploads.whenStored('u1'))
    world.host.plant(FOLDER, 'a', Buffer.from('same'), world.clock.nowMs() - 3_600_000)
    world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u2', { a: 'same' })
    const [newer] = await world.passing(process.uploads.whenStored('u2'))
    assert.ok(older?.state.kind === 'stored' && newer?.state.kind === 'stored')
    assert.notEqual(older.state.link.id, newer.state.link.id)
    assert.equal(world.host.filesIn(FOLDER).length, 3)
  })

  it('removes a copy that arrived damaged, and sends it again twice at the most (R8)', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ content: 'damaged' }, { content: 'damaged' })
    await put(process, 'u1', { a: 'one', b: 'two' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
    world.host.fail({ content: 'damaged' }, { content: 'damaged' }, { content: 'damaged' })
    await put(process, 'u2', { c: 'three' })
    await assert.rejects(world.passing(process.uploads.whenStored('u2')), { code: 'corrupt' })
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
  })

  it('proves and sends only the file that a report leaves out', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ content: 'without-last' })
    await put(process, 'u1', { a: 'one', b: 'two', c: 'three' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two', 'c=three'])
    assert.deepEqual(
      world.host.uploads.map(({ names }) => names.join(' ')),
      ['a b c', 'c'],
    )
  })

  it('waits out locks, outages and a sealed keyholder, with growing waits', async () => {
    for (const code of ['locked', 'sealed', 'upstream-down', 'paced'] as const) {
      await using world = await UploadsWorld.open()
      await using process = await world.start()
      world.host.refusal = new GatewayError(code, `refused: ${code}`)
      await put(process, 'u1', { a: 'one' })
      await world.clock.advance(3_600_000)
      assert.equal(await world.states(), '1 spooled')
      assert.ok(world.calls('uploadTarget') <= 20, `${world.calls('uploadTarget')} questions in an hour`)
      world.host.refusal = undefined
      await world.passing(process.uploads.whenStored('u1'))
      assert.equal(world.host.uploads.length, 1)
    }
  })

  it('keeps the content while the account is refused, and tells who waits for it', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.refusal = new GatewayError('account-refused', 'No such user')
    const [transfer] = await put(process, 'u1', { a: 'one' })
    assert.ok(transfer !== undefined)
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), { code: 'account-refused' })
    await assert.rejects(process.uploads.whenStored('u1'), { code: 'account-refused' })
    assert.equal(process.uploads.refusalOf(transfer)?.code, 'account-refused')
    assert.equal(world.spool.contents.size, 1)
    world.host.refusal = undefined
    process.uploader.resume()
    assert.equal(process.uploads.refusalOf(transfer), undefined)
    // The client sends it again after the error, and is given the transfer that it has already.
    await put(process, 'u2', { a: 'one' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('asks nothing more of an upload node that refuses the account, until a person resumes', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const error = new GatewayError('account-refused', 'refused by the node', { facts: { stored: false } })
    world.host.fail({ content: 'lost', answer: error })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(10 * 3_600_000)
    assert.equal(world.calls('upload'), 1)
    process.uploader.resume()
    await world.passing(process.uploads.whenStored('u1'))
  })

  it('forgets the refusal of a report when the report comes after all', async () => {
    await using world = await UploadsWorld.open()
    const refusals = [new GatewayError('account-refused', 'no report for this connection')]
    const host = hostWith(world.host, 'uploadReport', async (receipt, call) => {
      const refusal = refusals.pop()
      if (refusal !== undefined) throw refusal
      return await world.host.uploadReport(receipt, call)
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(refusals.length, 0)
    assert.equal(process.uploader.refusal(), undefined)
    await put(process, 'u2', { b: 'two' })
    await world.passing(process.uploads.whenStored('u2'))
  })

  it('sends at once again what certainly was not stored, without counting outages as attempts', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    for (let count = 0; count < 8; count += 1) {
      const facts = count % 2 === 0 ? { sent: false } : { stored: false }
      world.host.fail({ content: 'lost', answer: new GatewayError('upstream-down', 'no way', { facts }) })
    }
    await put(process, 'u1', { a: 'one' })
    const [transfer] = await world.passing(process.uploads.whenStored('u1'))
    assert.equal(transfer?.attempts, 0)
    assert.equal(world.calls('listFolder'), 0)
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('sends smaller groups when 1fichier refuses so many files in words that nobody knows', async () => {
    await using world = await UploadsWorld.open()
    const host = hostWith(world.host, 'upload', async (target, folder, files, call) => {
      if (files.length > 2) throw new GatewayError('upstream-down', '1fichier does not answer as it should')
      return await world.host.upload(target, folder, files, call)
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { a: '1', b: '2', c: '3', d: '4', e: '5' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=1', 'b=2', 'c=3', 'd=4', 'e=5'])
  })

  it('finds the one file that 1fichier refuses among many', async () => {
    await using world = await UploadsWorld.open()
    const host = hostWith(world.host, 'upload', async (target, folder, files, call) => {
      const isBad = files.some(({ name }) => name === 'bad')
      if (!isBad) return await world.host.upload(target, folder, files, call)
      throw new GatewayError('invalid', 'Bad filename', { facts: { stored: false } })
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { a: '1', b: '2', bad: '3', c: '4', d: '5' })
    await world.until(async () => (await world.states()) === '4 stored, 1 failed')
    assert.deepEqual(world.stored(), ['a=1', 'b=2', 'c=4', 'd=5'])
    await assert.rejects(process.uploads.whenStored('u1'), { code: 'invalid' })
  })

  it('fails what is for a folder that is gone, instead of letting it land in the root', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await world.host.removeFolder(FOLDER, {})
    await world.tree.removeFolder(FOLDER, world.clock.nowMs())
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), { code: 'not-found' })
    assert.equal(world.host.uploads.length, 0)
  })

  it('cuts a request of which no byte moves any more, and proves what became of it', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'never', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('leaves one place to small files while big ones are sent', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start({ aloneBytes: 5, stallMs: 1e9 })
    world.host.fail({ answer: 'never', content: 'lost' })
    await put(process, 'u1', { big: 'longer', huge: 'longer still' })
    await world.clock.advance(1_000)
    await put(process, 'u2', { small: 'x' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['small=x'])
  })

  it('stops at once, leaving to the journal what is under way', async () => {
    await using world = await UploadsWorld.open()
    const process = await world.start()
    world.host.fail({ answer: 'never', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(1_000)
    await put(process, 'u2', { b: 'two' })
    await process[Symbol.asyncDispose]()
    assert.equal(await world.states(), '1 spooled, 1 sending')
    await using next = await world.start()
    assert.equal(await world.states(), '1 spooled, 1 doubtful')
    await world.passing(next.uploads.whenStored('u1'))
    await world.passing(next.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
  })

  it('goes on when the journal or the tree takes nothing for a while, and sends nothing twice', async () => {
    for (const broken of ['journal', 'tree'] as const) {
      await using world = await UploadsWorld.open()
      let failures = 3
      const tripping = <Port extends object>(port: Port, method: string): Port =>
        new Proxy(port, {
          get: (target, name) => {
            const value: unknown = Reflect.get(target, name)
            if (typeof value !== 'function') return value
            if (name !== method) return value.bind(target)
            return async (...args: unknown[]) => {
              failures -= 1
              if (failures >= 0) throw new GatewayError('internal', 'the store fails')
              return await value.apply(target, args)
            }
          },
        })
      const ports =
        broken === 'journal'
          ? { journal: tripping<TransferJournal>(world.journal, 'advance') }
          : { tree: tripping<Tree>(world.tree, 'addFile') }
      await using process = await world.start({}, ports)
      await put(process, 'u1', { a: 'one' })
      await world.passing(process.uploads.whenStored('u1'))
      assert.equal(world.host.uploads.length, 1)
      assert.deepEqual(world.stored(), ['a=one'])
    }
  })

  const full = Array.from({ length: 5_000 }, (_, index) => sampleFile(`other${index}`))
  for (const [how, files, fileCount] of [
    ['more files than a listing shows', [], 6_000],
    ['as many files as a listing shows at the most', full, full.length],
  ] as const) {
    it(`asks by date where a folder has ${how}`, async () => {
      await using world = await UploadsWorld.open()
      const host = hostWith(world.host, 'listFolder', async (folder, call) => {
        const listing = await world.host.listFolder(folder, call)
        return { ...listing, files, fileCount }
      })
      await using process = await world.start({}, { host })
      world.host.fail({ answer: 'cut', reportAfterMs: Number.POSITIVE_INFINITY })
      await put(process, 'u1', { a: 'one' })
      await world.passing(process.uploads.whenStored('u1'))
      assert.equal(world.host.uploads.length, 1)
      assert.equal(world.calls('listFiles'), 1)
    })
  }

  it('asks by date where a folder with so many files is not listed at all', async () => {
    await using world = await UploadsWorld.open()
    const host = hostWith(world.host, 'listFolder', () =>
      Promise.reject(new GatewayError('upstream-changed', 'Too many results')),
    )
    await using process = await world.start({}, { host })
    world.host.fail({ answer: 'cut', reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one' })
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
    assert.equal(world.calls('listFiles'), 1)
  })

  it('fails what was sent into a folder that is removed before it can be proven', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut', content: 'lost' })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(30_000)
    await world.host.removeFolder(FOLDER, {})
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), { code: 'not-found' })
  })

  it('waits for the lock to end before it looks for what became doubtful', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ answer: 'cut', reportAfterMs: Number.POSITIVE_INFINITY })
    await put(process, 'u1', { a: 'one' })
    await world.clock.advance(30_000)
    world.host.refusal = new GatewayError('locked', 'locked', { retryAfterMs: 3_600_000 })
    await world.clock.advance(4 * 3_600_000)
    assert.ok(world.calls('listFolder') <= 5, 'a lock is waited for as long as it says')
    world.host.refusal = undefined
    await world.passing(process.uploads.whenStored('u1'))
    assert.equal(world.host.uploads.length, 1)
  })
})
