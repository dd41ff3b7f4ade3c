import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { type AdoptJournal, digestOf, dropJournal, readJournal, writeJournal } from './journal.ts'
import { type Change, swapFiles, undoFiles } from './swap.ts'

const BEGUN: AdoptJournal = {
  format: 'guichet-adopt',
  version: 1,
  state: 'begun',
  id: 'abcd1234',
  atMs: 5,
  keys: [{ tool: 'rclone', name: 'rclone-abcd1234' }],
  files: [],
}
const WROTE = new Date('2024-02-03T04:05:06.789Z')

/** Stands for `kill -9`: nothing is tidied up after it. */
class Killed extends Error {}

describe('files in which a key is replaced (U7)', () => {
  it('come back to the byte, with mode and time, wherever the work was killed (U7)', async () => {
    const steps = await stepsOf()
    assert.equal(steps.length, 3 + 1 + 3 + 1)
    for (const [index, step] of steps.entries()) {
      await using work = await workshop()
      let seen = 0
      const killed = swapFiles(work.folder, BEGUN, work.changes, () => {
        if (seen++ === index) throw new Killed(step)
      })
      await assert.rejects(killed, Killed)
      const journal = await readJournal(work.folder)
      if (journal !== undefined) await undoFiles(work.folder, journal, { force: false })
      await work.assertAsBefore(step)
    }
  })

  it('come back as well when the undoing is killed and done again (U7)', async () => {
    for (const at of [0, 1, 2, 3]) {
      await using work = await workshop()
      const done = await swapFiles(work.folder, BEGUN, work.changes)
      let seen = 0
      const killed = undoFiles(work.folder, done, { force: false }, () => {
        if (seen++ === at) throw new Killed()
      })
      await assert.rejects(killed, Killed)
      const journal = await readJournal(work.folder)
      assert.ok(journal !== undefined)
      await undoFiles(work.folder, journal, { force: false })
      await work.assertAsBefore(`undo killed at ${at}`)
    }
  })

  it('have the new content, their mode, and a backup for the owner alone until that is dropped (U7)', async () => {
    await using work = await workshop()
    const done = await swapFiles(work.folder, BEGUN, work.changes)
    assert.equal(done.state, 'done')
    assert.deepEqual(await readJournal(work.folder), done)
    for (const { file, before, after } of work.changes) {
      assert.deepEqual(await readFile(file.path), after)
      assert.equal((await stat(file.path)).mode & 0o7777, file.mode)
      const backup = path.join(work.folder, file.backup)
      assert.deepEqual(await readFile(backup), before)
      assert.equal((await stat(backup)).mode & 0o777, 0o600)
    }
    assert.equal((await stat(work.folder)).mode & 0o777, 0o700)
    await dropJournal(work.folder)
    assert.equal(await readJournal(work.folder), undefined)
    assert.deepEqual((await readdir(work.root)).sort(), ['file-0', 'file-1', 'file-2'])
  })

  it('are left alone when somebody has changed them since, unless that is wanted (U7)', async () => {
    await using work = await workshop()
    const done = await swapFiles(work.folder, BEGUN, work.changes)
    const [first] = work.changes
    assert.ok(first !== undefined)
    await writeFile(first.file.path, 'new settings')
    const undone = await undoFiles(work.folder, done, { force: false })
    assert.deepEqual(
      undone.changed.map((file) => file.path),
      [first.file.path],
    )
    assert.equal(await readFile(first.file.path, 'utf8'), 'new settings')
    assert.ok((await readJournal(work.folder)) !== undefined, 'the backup is still there')
    await undoFiles(work.folder, done, { force: true })
    await work.assertAsBefore('forced')
  })

  it('are not touched when another program writes them meanwhile (U7)', async () => {
    await using work = await workshop()
    const [, second] = work.changes
    assert.ok(second !== undefined)
    await writeFile(second.file.path, 'just saved')
    await assert.rejects(swapFiles(work.folder, BEGUN, work.changes), { code: 'conflict' })
    const journal = await readJournal(work.folder)
    assert.ok(journal !== undefined)
    const { restored, changed } = await undoFiles(work.folder, journal, { force: true })
    assert.deepEqual([restored, changed], [[work.changes[0]?.file.path], []])
    assert.equal(await readFile(second.file.path, 'utf8'), 'just saved')
  })

  it('are not overwritten by a backup that is damaged (U7)', async () => {
    await using work = await workshop()
    const done = await swapFiles(work.folder, BEGUN, work.changes)
    await writeFile(path.join(work.folder, '1.backup'), 'rubbish')
    await assert.rejects(undoFiles(work.folder, done, { force: false }), { code: 'corrupt' })
  })

  it('a journal that cannot be understood is not guessed at (U7)', async () => {
    await using work = await workshop()
    await writeFile(path.join(work.folder, 'journal.json'), '{"format":')
    await assert.rejects(readJournal(work.folder), { code: 'invalid' })
    await writeFile(path.join(work.folder, 'journal.json'), '{"format":"guichet-adopt","version":2}')
    await assert.rejects(readJournal(work.folder), { code: 'invalid' })
  })
})

async function stepsOf(): Promise<readonly string[]> {
  await using work = await workshop()
  const steps: string[] = []
  await swapFiles(work.folder, BEGUN, work.changes, (step) => steps.push(step))
  return steps
}

async function workshop() {
  const root = await mkdtemp(path.join(tmpdir(), 'guichet-adopt-'))
  const folder = path.join(root, 'adopt')
  const changes: Change[] = []
  for (const [index, mode] of [0o600, 0o644, 0o755].entries()) {
    const file = path.join(root, `file-${index}`)
    const before = Buffer.from([index, 0xff, 0x00, ...Buffer.from('key = old\r\n')])
    const after = Buffer.from([index, 0xff, 0x00, ...Buffer.from('key = new\r\n')])
    await writeFile(file, before)
    await chmod(file, mode)
    await utimes(file, WROTE, WROTE)
    const { uid, gid, mtimeMs } = await stat(file)
    changes.push({
      before,
      after,
      file: {
        path: file,
        tool: 'rclone',
        backup: `${index}.backup`,
        before: digestOf(before),
        after: digestOf(after),
        mode,
        uid,
        gid,
        modifiedMs: mtimeMs,
      },
    })
  }
  await writeJournal(folder, BEGUN)
  return {
    root,
    folder,
    changes,
    async assertAsBefore(when: string) {
      for (const { file, before } of changes) {
        assert.deepEqual(await readFile(file.path), before, when)
        const { mode, mtimeMs } = await stat(file.path)
        assert.equal(mode & 0o7777, file.mode, when)
        assert.equal(Math.round(mtimeMs), WROTE.getTime(), when)
      }
      assert.deepEqual((await readdir(root)).sort(), ['file-0', 'file-1', 'file-2'], when)
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}
