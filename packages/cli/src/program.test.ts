import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import type { Command } from 'commander'
import { createProgram } from './program.ts'
import { openTestWorld } from './world.testing.ts'

const world = { output: new PassThrough(), errors: new PassThrough() }

function namesBelow(command: Command, before: readonly string[]): readonly (readonly string[])[] {
  return command.commands
    .filter((child) => child.name() !== 'complete')
    .flatMap((child) => {
      const names = [...before, child.name()]
      return [names, ...namesBelow(child, names)]
    })
}

const program = await createProgram({ world, run: async () => {} })

describe('the help', () => {
  for (const names of namesBelow(program, [])) {
    it(`of ${names.join(' ')} teaches with an example`, async () => {
      await using test = await openTestWorld()
      const { exit, output } = await test.run([...names, '--help'])
      assert.equal(exit, 0)
      assert.match(output, /\nExamples?:\n {2}\$ /)
      assert.match(output, /--json/)
    })
  }

  it('is the same for a command that is loaded alone', async () => {
    for (const command of program.commands) {
      if (command.name() === 'help') continue
      const alone = await createProgram({ world, run: async () => {} }, ['--quiet', command.name(), 'word'])
      const found = alone.commands.find((other) => other.name() === command.name())
      assert.equal(found?.helpInformation(), command.helpInformation())
    }
  })

  it('knows every command that was promised', () => {
    const promised =
      'init serve demo emulator run status account ls tree stat find get put cat mkdir mv cp rm share link attr scan-virus remote key config completion seal unseal rotate resume explain'
    const there = program.commands.map((command) => command.name())
    assert.deepEqual(
      promised.split(' ').filter((name) => !there.includes(name)),
      [],
    )
  })

  it('comes on the errors, with exit 2, where a command is missing', async () => {
    await using test = await openTestWorld()
    for (const args of [[], ['key']]) {
      const { exit, output, errors } = await test.run(args)
      assert.equal(exit, 2)
      assert.equal(output, '')
      assert.match(errors, /Usage: guichet/)
    }
  })
})

describe('the version', () => {
  it('is that of the package', async () => {
    await using test = await openTestWorld()
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
    assert.equal((await test.run(['--version'])).output, `${manifest.version}\n`)
  })
})

describe('the environment', () => {
  it('that names half a gateway, or no virtual key, is refused with what to do', async () => {
    await using test = await openTestWorld()
    test.env = { GUICHET_URL: 'http://127.0.0.1:9' }
    assert.match((await test.run(['ls'])).errors, /GUICHET_URL is set but GUICHET_KEY is not/)
    test.env = { GUICHET_URL: 'http://127.0.0.1:9', GUICHET_KEY: 'A'.repeat(32) }
    const { exit, errors } = await test.run(['ls'])
    assert.equal(exit, 2)
    assert.match(errors, /does not hold a virtual key/)
    assert.doesNotMatch(errors, /AAAA/)
  })

  it('is never asked for the API key', async () => {
    await using test = await openTestWorld()
    const key = 'B'.repeat(32)
    test.env = { GUICHET_API_KEY: key, RCLONE_FICHIER_API_KEY: key }
    const { exit, errors } = await test.run(['init', '--unlock-file', 'unlock'])
    assert.equal(exit, 2)
    assert.match(errors, /--key-file is missing/)
  })
})

describe('what is taken for something else', () => {
  it('is named: a virtual key is no API key, a port in use no unknown failure, nothing no tool', async () => {
    await using test = await openTestWorld()
    const key = createKeyText((count) => new Uint8Array(count))
    const init = await test.run(['init', '--key-file', '-', '--unlock-file', 'unlock'], key)
    assert.equal(init.exit, 2)
    assert.match(init.errors, /that is a virtual key of Guichet/)

    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const emulator = await test.run(['emulator', '--port', String(port)])
    taken.close()
    assert.equal(emulator.exit, 5)
    assert.match(emulator.errors, /cannot listen on port \d+ \(EADDRINUSE\)\nhint: another program/)

    const run = await test.run(['run', '--', ''])
    assert.equal(run.exit, 2)
    assert.match(run.errors, /there is no command to run/)
  })
})
