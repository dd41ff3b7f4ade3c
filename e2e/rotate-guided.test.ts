import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { it } from 'node:test'
import { Secret } from '@guichet/core'
import { openVault } from '@guichet/keyholder'
import { LAUNCHER, startStand } from './stand.ts'

it('rotate on a terminal says what to do, hides the key, and ends with the old one (K15)', async () => {
  await using stand = await startStand({ timeScale: 200 })
  const next = stand.emulator.makeApiKey()
  // A terminal that nobody looks at has no width until it is given one.
  const command = `stty cols 120 rows 40; exec '${process.execPath}' '${LAUNCHER}' rotate`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', HOME: stand.work, GUICHET_HOME: stand.home, TERM: 'xterm' },
  })
  const exited = once(child, 'exit')
  let shown = ''
  let isTyped = false
  for await (const text of child.stdout.setEncoding('utf8')) {
    shown += text
    if (isTyped || !shown.includes('The new API key (not shown)')) continue
    isTyped = true
    child.stdin.write(`${next}\r`)
  }
  assert.deepEqual(await exited, [0, null], shown)
  const order = [
    'Make a new API key on https://1fichier.com/console/params.pl',
    '(not shown)',
    'is in use',
    'delete the old key',
  ]
  const places = order.map((words) => shown.indexOf(words))
  assert.ok(
    places.every((place, index) => place > (places[index - 1] ?? -1)),
    shown,
  )
  assert.ok(!shown.includes(next.slice(0, 8)), 'the key is not shown')
  const vault = path.join(stand.home, 'vault')
  assert.equal((await openVault(vault, new Secret('a passphrase for tests only'))).expose(), next)
})
