import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { ApiTrashed } from '@guichet/sdk'
import { without } from './clients.ts'
import { call, type Ran, run, type Stand, startStand } from './stand.ts'

const NAMES = Array.from({ length: 12 }, (_, index) => `file-${index}`)

async function openBackup(stand: Stand): Promise<string> {
  for (const name of NAMES) await stand.emulator.account.putFile(`/backup/${name}`, Buffer.from(name))
  assert.equal((await stand.guichet(['mkdir', '/trash'])).code, 0)
  const profile = ['--profile', 'append-only', '--root', '/backup', '--trash', '/trash', '--trash-for', '30d']
  const made = await stand.guichet(['key', 'create', '--name', 'nas', '--json', ...profile])
  assert.equal(made.code, 0, made.stderr)
  return JSON.parse(made.stdout).key
}

async function trashed(stand: Stand): Promise<readonly ApiTrashed[]> {
  return JSON.parse((await stand.guichet(['trash', 'list', '--json'])).stdout).files
}

const pathsOf = (stand: Stand): readonly string[] =>
  stand.emulator.account
    .files()
    .map((file) => file.path)
    .sort()

describe('a key with a trash', () => {
  it('gives rclone its deletion, and the owner the files back (K5)', {
    skip: without('rclone'),
    timeout: 180_000,
  }, async () => {
    await using stand = await startStand({ timeScale: 200 })
    const key = await openBackup(stand)
    const rclone = (...args: readonly string[]): Promise<Ran> =>
      run('rclone', ['--config', '/dev/null', ...args], {
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: stand.work,
          HTTPS_PROXY: stand.url.replace('http://', `http://any:${key}@`),
          SSL_CERT_FILE: path.join(stand.home, 'ca.pem'),
          RCLONE_FICHIER_API_KEY: key,
        },
      })
    const deleted = await rclone('deletefile', ':fichier:backup/file-0')
    assert.equal(deleted.code, 0, deleted.stderr)
    const left = await rclone('lsf', ':fichier:backup')
    assert.deepEqual(left.stdout.trim().split('\n').sort(), NAMES.filter((name) => name !== 'file-0').sort())
    assert.equal(stand.emulator.account.files().length, NAMES.length)
    const [file] = await trashed(stand)
    assert.deepEqual([file?.from, file?.name], ['/backup', 'file-0'])
    const restored = await stand.guichet(['trash', 'restore', String(file?.id)])
    assert.equal(restored.stdout, 'restored /backup/file-0\n', restored.stderr)
    assert.match((await rclone('lsf', ':fichier:backup')).stdout, /^file-0$/m)
    assert.equal((await stand.guichet(['trash', 'empty', '--all'])).stdout, 'deleted 0 files for good\n')
  })

  it('neither loses nor doubles a file over kill -9 in the midst of deletions (K5)', {
    timeout: 180_000,
  }, async () => {
    await using stand = await startStand({ timeScale: 200 })
    const key = await openBackup(stand)
    const { json: top } = await call(stand, key, 'folder/ls', { folder_id: 0 })
    const [backup] = top['sub_folders'] as { id: number }[]
    const { json } = await call(stand, key, 'file/ls', { folder_id: backup?.id })
    const files = (json['items'] as { url: string }[]).map(({ url }) => ({ url }))
    const removals = files.map((file) =>
      call(stand, key, 'file/rm', { files: [file] }).catch(() => undefined),
    )
    await removals[2]
    await stand.kill()
    await Promise.all(removals)
    await stand.start()
    for (const file of files) {
      // What was moved before the kill is not there any more for the key.
      const { status } = await call(stand, key, 'file/rm', { files: [file] })
      assert.ok(status === 200 || status === 404, String(status))
    }
    let known = await trashed(stand)
    while (known.length < NAMES.length) known = await trashed(stand)
    assert.deepEqual(known.map(({ name }) => name).sort(), NAMES.toSorted())
    const paths = pathsOf(stand)
    assert.equal(paths.length, NAMES.length)
    for (const one of paths) assert.match(one, /^\/trash\/\d{4}-\d\d-\d\d\/file-\d+$/)
    assert.equal(
      (await stand.guichet(['trash', 'empty', '--all'])).stdout,
      `deleted ${NAMES.length} files for good\n`,
    )
    assert.deepEqual(pathsOf(stand), [])
  })
})
