import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { selfSigned } from '../packages/gateway/src/self-signed.testing.ts'
import { LAUNCHER, startStand } from './stand.ts'

it('docs/network.md shows a command that serves by https as it stands (U6)', async () => {
  await using stand = await startStand()
  await stand.kill('SIGTERM')
  const text = await readFile(path.join(import.meta.dirname, '..', 'docs', 'network.md'), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  assert.equal(blocks.length, 1)
  await mkdir(path.join(stand.work, 'bin'))
  await symlink(LAUNCHER, path.join(stand.work, 'bin', 'guichet'))
  const { cert, key } = await selfSigned(['guichet.example'])
  await writeFile(path.join(stand.work, 'chain.pem'), cert)
  await writeFile(path.join(stand.work, 'key.pem'), key, { mode: 0o600 })
  const gateway = spawn('bash', ['-c', `exec ${blocks[0]?.replace(':8474', ':0')}`], {
    env: {
      PATH: `${path.join(stand.work, 'bin')}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: stand.work,
      GUICHET_HOME: stand.home,
    },
    cwd: stand.work,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise((resolve) => gateway.once('exit', resolve))
  let opened = ''
  for await (const line of createInterface(gateway.stdout)) {
    opened = line
    break
  }
  gateway.kill('SIGTERM')
  await gone
  assert.match(opened, /^Guichet is open at https:\/\/0\.0\.0\.0:\d+$/)
})
