import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Emulator, startEmulator } from './emulator.ts'
import { startConnectProxy } from './testing/connect-proxy.ts'

const isInstalled = spawnSync('rclone', ['version']).status === 0
const isRequired = (process.env['REQUIRE'] ?? '').split(',').includes('rclone')
const skip = isInstalled || isRequired ? false : 'rclone is not installed'

type Rclone = (...args: string[]) => Promise<string>

/** Unmodified rclone, its HTTPS led to the emulator. */
function rcloneFor(emulator: Emulator, proxyUrl: string, folder: string): Rclone {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    HTTPS_PROXY: proxyUrl,
    RCLONE_CONFIG: join(folder, 'none.conf'),
    RCLONE_CA_CERT: emulator.caFile,
    RCLONE_FICHIER_API_KEY: emulator.apiKey,
    RCLONE_LOW_LEVEL_RETRIES: '1',
    RCLONE_RETRIES: '1',
  }
  return async (...args) => (await promisify(execFile)('rclone', args, { env })).stdout
}

describe('unmodified rclone', { skip }, () => {
  it('copies up, lists, reads, moves and purges', { timeout: 120_000 }, async () => {
    await using cleanup = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'guichet-rclone-'))
    cleanup.defer(() => rm(folder, { recursive: true, force: true }))
    const emulator = cleanup.use(await startEmulator())
    const proxy = cleanup.use(await startConnectProxy(emulator.address))
    const rclone = rcloneFor(emulator, proxy.url, folder)
    await mkdir(join(folder, 'up', 'deep'), { recursive: true })
    await writeFile(join(folder, 'up', 'one.txt'), 'the first\n')
    await writeFile(join(folder, 'up', 'deep', 'two.txt'), 'the second\n')

    await rclone('copy', join(folder, 'up'), ':fichier:there')
    assert.deepEqual((await rclone('lsf', '-R', ':fichier:')).trim().split('\n').sort(), [
      'there/',
      'there/deep/',
      'there/deep/two.txt',
      'there/one.txt',
    ])
    assert.equal(await rclone('cat', ':fichier:there/deep/two.txt'), 'the second\n')
    assert.equal((await rclone('check', join(folder, 'up'), ':fichier:there')).trim(), '')
    await rclone('moveto', ':fichier:there/one.txt', ':fichier:there/uno.txt')
    assert.equal((await emulator.account.readFile('/there/uno.txt')).toString(), 'the first\n')
    // rclone 1.60 renames where it should move between folders (rclone issue #7856), so that only a copy crosses here.
    await rclone('copyto', ':fichier:there/deep/two.txt', ':fichier:elsewhere/due.txt')
    assert.equal((await emulator.account.readFile('/elsewhere/due.txt')).toString(), 'the second\n')
    await rclone('purge', ':fichier:there')
    assert.deepEqual(emulator.account.list('/')?.folders, ['elsewhere'])
    assert.equal(emulator.snapshot().locks, 0)
  })
})
