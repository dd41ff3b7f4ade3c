import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { askSecret, confirm } from './prompts.ts'
import { openTestWorld } from './world.testing.ts'

describe('a question', () => {
  it('that nobody can answer is refused instead of asked', async () => {
    await using test = await openTestWorld()
    await assert.rejects(confirm(test.world(), 'Remove it?'), { code: 'invalid' })
    await assert.rejects(
      askSecret(test.world(), 'Which?', () => undefined),
      { code: 'invalid' },
    )
  })

  it('for the passphrase says how to give it without a terminal', async () => {
    await using test = await openTestWorld()
    await mkdir(join(test.folder, 'home/run'), { recursive: true })
    await writeFile(join(test.folder, 'home/run/keyholder.sock'), '')
    const { exit, errors } = await test.run(['--home', join(test.folder, 'home'), 'unseal', '--ask'])
    assert.equal(exit, 2)
    assert.match(errors, /no terminal to ask for the passphrase on\nhint: give it with --pass-file/)
  })
})
