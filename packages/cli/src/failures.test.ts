import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openTestWorld } from './world.testing.ts'

const KEY = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ-_=012'

describe('an API key that was typed on the command line', () => {
  for (const args of [
    ['init', KEY],
    ['rotate', `--key=${KEY}`],
    ['rotate', KEY],
    ['init', '--key-file', KEY, '--unlock-file', 'unlock'],
    ['key', 'create', '--name', 'x', '--verbs', KEY],
  ]) {
    it(`is not repeated, and its owner is warned: ${args[0]} with ${args.length - 1} more`, async () => {
      await using test = await openTestWorld()
      const { exit, output, errors } = await test.run(args)
      assert.notEqual(exit, 0)
      assert.ok(!`${output}${errors}`.includes(KEY), errors)
      assert.match(errors, /^hint: if that was an API key: /m)
    })
  }

  it('is not suspected in what is plainly something else', async () => {
    await using test = await openTestWorld()
    for (const word of ['short', 'a-long-name-of-a-folder-with-no-di', '0123456789abcdef0123456789abcdef0']) {
      assert.doesNotMatch((await test.run(['init', word])).errors, /API key:/)
    }
  })
})
