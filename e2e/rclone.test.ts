import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { rclone, stored, without, writeTree } from './clients.ts'
import { startStand } from './stand.ts'

describe('unmodified rclone through `guichet run` (S2)', { skip: without('rclone') }, () => {
  it('lists, reads, arranges, compares and removes', async () => {
    await using stand = await startStand()
    const source = path.join(stand.work, 'source')
    await writeTree(source, ['a', 'b'], 3)
    const paths = (): readonly string[] => stored(stand).map((line) => line.split(' ')[0] ?? '')
    const ok = async (...args: readonly string[]): Promise<string> => {
      const ran = await rclone(stand, args)
      assert.equal(ran.code, 0, `rclone ${args.join(' ')}: ${ran.stderr}`)
      return ran.stdout
    }

    await ok('copy', source, ':fichier:x')
    assert.equal(await ok('lsf', '-R', ':fichier:x/a'), 'file-000.txt\nfile-001.txt\nfile-002.txt\n')
    assert.match(await ok('lsl', ':fichier:x/b'), /^\s+\d+ \d{4}-\d\d-\d\d \S+ file-000\.txt$/m)
    assert.equal(
      await ok('cat', ':fichier:x/a/file-001.txt'),
      await readFile(path.join(source, 'a/file-001.txt'), 'utf8'),
    )
    await ok('check', '--download', source, ':fichier:x')
    await ok('mkdir', ':fichier:new/deep')
    await ok('rmdir', ':fichier:new/deep')
    await ok('moveto', ':fichier:x/a/file-000.txt', ':fichier:x/a/renamed.txt')
    assert.ok(paths().includes('/x/a/renamed.txt'))
    await ok('copyto', ':fichier:x/a/file-001.txt', ':fichier:new/copy.txt')
    assert.ok(paths().includes('/new/copy.txt'))
    await ok('move', path.join(source, 'b'), ':fichier:moved')
    assert.deepEqual(
      paths().filter((name) => name.startsWith('/moved/')),
      ['/moved/file-000.txt', '/moved/file-001.txt', '/moved/file-002.txt'],
    )
    assert.match(await ok('about', ':fichier:'), /^Total:/m)
    await ok('sync', path.join(source, 'a'), ':fichier:x/a')
    assert.deepEqual(
      paths().filter((name) => name.startsWith('/x/a/')),
      ['/x/a/file-000.txt', '/x/a/file-001.txt', '/x/a/file-002.txt'],
    )
    await ok('purge', ':fichier:x')
    await ok('delete', ':fichier:moved')
    assert.deepEqual(paths(), ['/new/copy.txt'])
    const { broken, locks } = stand.emulator.snapshot()
    assert.deepEqual({ broken, locks }, { broken: {}, locks: 0 })
  })

  it('is refused by the verbs of its key, at once and with the reason', async () => {
    await using stand = await startStand()
    stand.emulator.account.putFile('/kept.txt', Buffer.from('kept'))
    const ran = await rclone(stand, ['deletefile', ':fichier:kept.txt'], ['--verbs', 'list,download'])
    assert.notEqual(ran.code, 0)
    assert.match(ran.stderr, /may not delete/)
    assert.equal(stored(stand).length, 1)
  })

  it('never sees the key of the account, nor prints its own', async () => {
    await using stand = await startStand()
    const ran = await rclone(stand, ['lsf', ':fichier:', '-vv', '--dump', 'headers,auth'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stderr, /authorization/i)
    assert.ok(!`${ran.stdout}${ran.stderr}`.includes(stand.emulator.apiKey))
    assert.doesNotMatch(ran.stderr, /gch_[0-9A-Za-z]{28}/)
  })
})
