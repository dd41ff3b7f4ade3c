import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { it } from 'node:test'
import { LAUNCHER, run, startStand } from './stand.ts'

it('docs/custody.md shows commands that work as they stand, in their order (K1, K2, K15, R11)', async () => {
  await using stand = await startStand({ timeScale: 200 })
  const text = await readFile(path.join(import.meta.dirname, '..', 'docs', 'custody.md'), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  assert.ok(blocks.length >= 5)
  await mkdir(path.join(stand.work, 'bin'))
  await symlink(LAUNCHER, path.join(stand.work, 'bin', 'guichet'))
  const secret = (name: string, content: string): Promise<void> =>
    writeFile(path.join(stand.work, name), content, { mode: 0o600 })
  await secret('laptop.txt', 'the passphrase of the laptop')
  await secret('backup-pass.txt', 'the passphrase of the backup')
  await secret('new-key.txt', stand.emulator.makeApiKey())
  const env = {
    PATH: `${path.join(stand.work, 'bin')}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
    HOME: stand.work,
    GUICHET_HOME: stand.home,
  }
  for (const block of blocks) {
    const ran = await run('bash', ['-euc', block], { env, cwd: stand.work })
    assert.equal(ran.code, 0, `${block}\n${ran.stdout}${ran.stderr}`)
  }
})
