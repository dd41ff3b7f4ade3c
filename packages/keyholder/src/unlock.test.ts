import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { testDirectory } from './recording-upstream.testing.ts'
import { isTyped, readUnlockSecret } from './unlock.ts'

const CONTENT = 'sixteen or more characters'

describe('unlock file', () => {
  it('is read without the newline at its end, and with every other space', async () => {
    using directory = testDirectory()
    const unlockFile = join(directory.path, 'unlock')
    for (const [text, secret] of [
      [CONTENT, CONTENT],
      [`${CONTENT}\n`, CONTENT],
      [`${CONTENT}\r\n`, CONTENT],
      [` ${CONTENT} \n\n`, ` ${CONTENT} \n`],
    ] as const) {
      await writeFile(unlockFile, text, { mode: 0o400 })
      assert.equal((await readUnlockSecret({ unlockFile, prompt: false })).expose(), secret)
    }
  })

  it('is refused when others could know it, or when it is too weak', async () => {
    using directory = testDirectory()
    const unlockFile = join(directory.path, 'unlock')
    const refused = async (words: RegExp, path = unlockFile): Promise<void> => {
      await assert.rejects(readUnlockSecret({ unlockFile: path, prompt: false }), (failure) => {
        assert.ok(failure instanceof GatewayError && failure.hint !== undefined)
        assert.match(failure.message, words)
        return !failure.message.includes(CONTENT)
      })
    }
    await refused(/there is no unlock file/)
    await writeFile(unlockFile, CONTENT, { mode: 0o600 })
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      await chmod(unlockFile, mode)
      await refused(/can be read or written by other users/)
    }
    await chmod(unlockFile, 0o600)
    await symlink(unlockFile, join(directory.path, 'link'))
    await refused(/is a symbolic link/, join(directory.path, 'link'))
    await refused(/is not a regular file/, directory.path)
    await writeFile(unlockFile, 'fifteen letters\n')
    await refused(/is too short/)
    await writeFile(unlockFile, Buffer.alloc(32, 0xff))
    await refused(/is not text/)
    await writeFile(unlockFile, '')
    await refused(/is empty/)
  })
})

describe('systemd credential', () => {
  it('opens the vault when it is there, after the unlock file and before the terminal', async () => {
    using directory = testDirectory()
    const credentialsDirectory = join(directory.path, 'credentials')
    await mkdir(credentialsDirectory)
    assert.ok(isTyped({ credentialsDirectory, prompt: true }))
    await assert.rejects(readUnlockSecret({ credentialsDirectory, prompt: false }), { code: 'sealed' })

    // systemd gives the service access by a list, which shows as group bits.
    await writeFile(join(credentialsDirectory, 'guichet-unlock'), `${CONTENT}\n`, { mode: 0o440 })
    assert.ok(!isTyped({ credentialsDirectory, prompt: true }))
    const secret = await readUnlockSecret({ credentialsDirectory, prompt: true })
    assert.equal(secret.expose(), CONTENT)
    const unlockFile = join(directory.path, 'nothing')
    await assert.rejects(readUnlockSecret({ unlockFile, credentialsDirectory, prompt: false }), {
      code: 'not-found',
    })
  })
})

describe('passphrase on the terminal', () => {
  /** Runs the prompt on a terminal of its own and types; gives back what the terminal showed. */
  async function typed(keys: string): Promise<string> {
    const script = `
      import { readPassphrase } from ${JSON.stringify(new URL('./unlock.ts', import.meta.url).href)}
      const secret = await readPassphrase('Passphrase: ', '/dev/tty').catch((failure) => failure)
      const text = 'expose' in secret ? secret.expose() : secret.code
      process.stdout.write('[' + Buffer.from(text).toString('hex') + ']')
      process.exit()`
    const command = `'${process.execPath}' --input-type=module-typescript -e "$SCRIPT"`
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SCRIPT: script },
    })
    const exited = once(child, 'exit')
    let shown = ''
    for await (const text of child.stdout.setEncoding('utf8')) {
      if (shown === '') child.stdin.write(keys)
      shown += text
    }
    await exited
    return shown
  }
  const hex = (text: string): string => `[${Buffer.from(text).toString('hex')}]`

  it('is not shown, and can be corrected', async () => {
    assert.equal(await typed('wrong\u0015pass phrasX\u007fe é\r'), `Passphrase: \r\n${hex('pass phrase é')}`)
  })

  it('can be declined', async () => {
    assert.equal(await typed('half\u0003'), `Passphrase: \r\n${hex('cancelled')}`)
    assert.equal(await typed('half\u0004'), `Passphrase: \r\n${hex('sealed')}`)
  })
})
