import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, parseKeyId, ROOT } from '@guichet/core'
import { contentOf, FOLDER, hostWith, KEY, put, UploadsWorld, whirlpoolOf } from './world.testing.ts'

describe('taking content in', () => {
  it('refuses names, sizes and empty files before anything is stored', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const receive = (name: string, sizeBytes?: number) =>
      process.uploads.receive({ key: KEY }, FOLDER, { name, sizeBytes }, contentOf('x'))
    for (const name of ['', 'a/b', 'a"b', ' a', 'a\u0000b', 'x'.repeat(300)]) {
      await assert.rejects(receive(name), { code: 'invalid' })
    }
    await assert.rejects(receive('a', 0), { code: 'invalid', hint: /leave it out/ })
    await assert.rejects(receive('a', -1), { code: 'invalid' })
    await assert.rejects(receive('a', 300e9 + 1), { code: 'too-large' })
    await receive('a', 300e9)
    assert.equal(world.spool.contents.size, 1)
  })

  it('refuses content that turns out to be empty, or not the promised one', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const receive = (text: string, expectWhirlpool?: string) =>
      process.uploads.receive({ key: KEY }, FOLDER, { name: 'a', expectWhirlpool }, contentOf(text))
    await assert.rejects(receive(''), { code: 'invalid' })
    await assert.rejects(receive('abc', whirlpoolOf(Buffer.from('abd'))), { code: 'corrupt' })
    assert.equal(world.spool.contents.size, 0)
    await receive('abc', whirlpoolOf(Buffer.from('abc')).toUpperCase())
  })

  it('takes nothing more in when too much waits', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start({ waitingMax: 2 })
    world.host.refusal = new GatewayError('locked', 'locked')
    await put(process, 'u1', { a: '1', b: '2' })
    await assert.rejects(put(process, 'u2', { c: '3' }), { code: 'unavailable' })
  })

  it('gives up the content of a failure once its client has asked, and can still tell it', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const refused = new GatewayError('invalid', 'Bad filename', { facts: { stored: false } })
    world.host.fail({ content: 'lost', answer: refused })
    const [transfer] = await put(process, 'u1', { a: 'one' })
    assert.ok(transfer !== undefined)
    await process.uploads.told(transfer)
    assert.equal(world.spool.contents.size, 1, 'what is owed is kept')
    await world.until(async () => (await world.states()) === '1 failed')
    assert.equal(world.spool.contents.size, 1)
    const failed = await process.uploads.find(transfer.id)
    assert.ok(failed !== undefined)
    await process.uploads.told(failed)
    assert.equal(world.spool.contents.size, 0)
    assert.equal((await process.uploads.find(transfer.id))?.state.kind, 'failed')
  })

  it('leaves nothing behind of what is discarded, or cannot be journaled', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const receive = (name: string) => process.uploads.receive({ key: KEY }, FOLDER, { name }, contentOf('x'))
    const [first, second, third] = [await receive('a'), await receive('b'), await receive('c')]
    await process.uploads.commit('u1', [first], { more: false })
    await assert.rejects(process.uploads.commit('u1', [second, first], { more: false }), { code: 'conflict' })
    await process.uploads.discard([third])
    await process.uploads.discard([third])
    assert.deepEqual(await world.spool.ids(), [first.id], 'what is journaled keeps its content')
    await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=x'])
  })

  it('gives two identical files of one request two transfers', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const receive = () => process.uploads.receive({ key: KEY }, FOLDER, { name: 'a' }, contentOf('same'))
    await process.uploads.commit('u1', [await receive(), await receive()], { more: false })
    const stored = await world.passing(process.uploads.whenStored('u1'))
    assert.equal(stored.length, 2)
    assert.deepEqual(world.stored(), ['a=same', 'a=same'])
  })
})

describe('an upload that a client repeats because it lost the answer', () => {
  it('is given the transfer that waits already', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const [first] = await put(process, 'u1', { a: 'one' })
    const [second] = await put(process, 'u2', { a: 'one' })
    assert.equal(second?.id, first?.id)
    assert.equal(world.spool.contents.size, 1)
    const [stored] = await world.passing(process.uploads.whenStored('u2'))
    assert.equal(stored?.upload, 'u2')
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('is given the file that is stored already', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 stored')
    await put(process, 'u2', { a: 'one', b: 'two' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['a=one', 'b=two'])
    assert.equal(world.spool.contents.size, 0)
  })

  it('still answers the first client, should it have lived', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    const waiting = process.uploads.whenStored('u1')
    await world.clock.settle()
    await put(process, 'u2', { a: 'one' })
    const later = process.uploads.whenStored('u1')
    const [first, second, third] = await world.passing(
      Promise.all([waiting, later, process.uploads.whenStored('u2')]),
    )
    assert.equal(first[0]?.id, third[0]?.id)
    assert.equal(second[0]?.id, third[0]?.id)
  })

  it('stores a new file when a client knows of the old one: it may remove it next', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    const [told] = await world.passing(process.uploads.whenStored('u1'))
    await put(process, 'u2', { a: 'one' })
    const [again] = await world.passing(process.uploads.whenStored('u2'))
    assert.ok(told?.state.kind === 'stored' && again?.state.kind === 'stored')
    assert.notEqual(told.state.link.id, again.state.link.id)
    // As rclone's update does.
    await world.host.removeFiles([told.state.link], {})
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('stores a new file when the old one was shown in a listing', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 stored')
    await world.journal.claimFolder(FOLDER)
    await put(process, 'u2', { a: 'one' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['a=one', 'a=one'])
  })

  it('stores a new file when the old one was removed, moved or renamed since', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 stored')
    const [file] = world.host.filesIn(FOLDER)
    assert.ok(file !== undefined)
    await world.host.removeFiles([file.entry.link], {})
    await world.tree.removeFile(file.entry.link.id, world.clock.nowMs())
    await put(process, 'u2', { a: 'one' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('adopts only the same content, name, folder and key', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await put(process, 'u1', { a: 'one' })
    await put(process, 'u2', { a: 'two' })
    await put(process, 'u3', { b: 'one' })
    await put(process, 'u4', { a: 'one' }, { folder: ROOT })
    await put(process, 'u5', { a: 'one' }, { key: parseKeyId('k-zzzzzzzz') })
    await world.until(async () => (await world.states()) === '5 stored')
    assert.deepEqual(world.stored(), ['a=one', 'a=one', 'a=two', 'b=one'])
    assert.deepEqual(world.stored(ROOT), ['a=one'])
  })
})

describe('waiting for an upload', () => {
  it('resolves when every file is stored, and claims them', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    world.host.fail({ reportAfterMs: 5_000 })
    const committed = await put(process, 'u1', { a: 'one', b: 'two' })
    const stored = await world.passing(process.uploads.whenStored('u1'))
    assert.deepEqual(
      stored.map(({ id, isClaimed, state }) => [id, isClaimed, state.kind]),
      committed.map(({ id }) => [id, true, 'stored']),
    )
    assert.deepEqual(await process.uploads.unfinished(), [])
    assert.equal((await process.uploads.counts()).stored, 2)
  })

  it('ends when the waiting client goes, without claiming', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    const [transfer] = await put(process, 'u1', { a: 'one' })
    assert.ok(transfer !== undefined)
    const gone = new AbortController()
    const waiting = process.uploads.whenStored('u1', gone.signal)
    gone.abort()
    await assert.rejects(waiting, { code: 'cancelled' })
    await world.until(async () => (await world.states()) === '1 stored')
    assert.equal((await process.uploads.find(transfer.id))?.isClaimed, false)
  })

  it('knows nothing of an upload that never was', async () => {
    await using world = await UploadsWorld.open()
    await using process = await world.start()
    await assert.rejects(process.uploads.whenStored('nobody'), { code: 'not-found' })
  })

  it('says which file failed, and leaves the stored ones to be taken over by a repetition', async () => {
    await using world = await UploadsWorld.open()
    const host = hostWith(world.host, 'upload', async (target, folder, files, call) => {
      const isBad = files.some(({ name }) => name === 'bad')
      if (!isBad) return await world.host.upload(target, folder, files, call)
      throw new GatewayError('invalid', 'Bad filename', { facts: { stored: false } })
    })
    await using process = await world.start({}, { host })
    await put(process, 'u1', { good: 'one', bad: 'two' })
    await assert.rejects(world.passing(process.uploads.whenStored('u1')), {
      code: 'invalid',
      message: /"bad"/,
    })
    await world.until(async () => (await world.states()) === '1 stored, 1 failed')
    await put(process, 'u2', { good: 'one' })
    await world.passing(process.uploads.whenStored('u2'))
    assert.deepEqual(world.stored(), ['good=one'])
  })
})

describe('after a restart', () => {
  it('removes content that nobody owes, and fails what lost its content', async () => {
    await using world = await UploadsWorld.open()
    world.host.refusal = new GatewayError('locked', 'locked')
    const first = await world.start()
    const [kept] = await put(first, 'u1', { a: 'one' })
    const [lost] = await put(first, 'u2', { b: 'two' })
    await first.uploads.receive({ key: KEY }, FOLDER, { name: 'c' }, contentOf('never committed'))
    await first[Symbol.asyncDispose]()
    assert.ok(kept !== undefined && lost !== undefined)
    world.spool.contents.delete(lost.id)
    world.host.refusal = undefined
    await using second = await world.start()
    assert.deepEqual(await world.spool.ids(), [kept.id])
    await assert.rejects(second.uploads.whenStored('u2'), { code: 'corrupt' })
    await world.passing(second.uploads.whenStored('u1'))
    assert.deepEqual(world.stored(), ['a=one'])
  })

  it('keeps the content of a failed file whose client was not told yet', async () => {
    await using world = await UploadsWorld.open()
    for (let count = 0; count < 5; count += 1) world.host.fail({ answer: 'cut', content: 'lost' })
    const first = await world.start()
    await put(first, 'u1', { a: 'one' })
    await world.until(async () => (await world.states()) === '1 failed')
    await first[Symbol.asyncDispose]()
    await using second = await world.start()
    assert.equal(world.spool.contents.size, 1)
    await assert.rejects(second.uploads.whenStored('u1'), { code: 'upstream-down' })
    assert.equal(world.spool.contents.size, 0)
  })
})
