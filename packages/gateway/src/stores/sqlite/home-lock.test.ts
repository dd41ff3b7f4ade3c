import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { lockHome } from './home-lock.ts'

describe('the lock of a home', () => {
  it('is for one at a time', async () => {
    await using home = await temporaryFolder()
    {
      await using _lock = lockHome(home.path)
      assert.throws(() => lockHome(home.path), { code: 'conflict', message: /another gateway/, hint: /stop/ })
    }
    await using _lock = lockHome(home.path)
  })

  it('is for one process at a time, and free again after kill -9', async () => {
    await using home = await temporaryFolder()
    const script = `
      import { lockHome } from ${JSON.stringify(new URL('./home-lock.ts', import.meta.url).href)}
      globalThis.lock = lockHome(${JSON.stringify(home.path)})
      process.stdout.write('locked')
      setInterval(() => {}, 1_000)`
    const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(other.stdout, 'data')
    assert.throws(() => lockHome(home.path), { code: 'conflict' })
    other.kill('SIGKILL')
    await once(other, 'exit')
    await using _lock = lockHome(home.path)
  })

  it('says when the home cannot be written', async () => {
    await using home = await temporaryFolder()
    assert.throws(() => lockHome(join(home.path, 'missing')), {
      code: 'internal',
      message: /cannot be written/,
      hint: /GUICHET_HOME/,
    })
  })
})

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-home-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
