import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LAUNCHER, run, type Stand, startStand } from './stand.ts'

let stand: Stand
before(async () => {
  stand = await startStand({ timeScale: 200 })
})
after(() => stand[Symbol.asyncDispose]())

async function statusWith(key: string): Promise<number> {
  const { status } = await fetch(`${stand.url}/api/v1/children?at=/`, {
    headers: { authorization: `Bearer ${key}` },
  })
  return status
}

describe('a key that was committed', () => {
  it('is found in the history after it was removed, and ended there and then (K8, K19)', async () => {
    const leaked = await stand.issue('all', ['--name', 'leaked'])
    const kept = await stand.issue('all', ['--name', 'kept'])
    const repository = path.join(stand.work, 'repository')
    await mkdir(repository)
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
        ...{ cwd: repository, encoding: 'utf8' },
      })
    git('init', '--quiet')
    await writeFile(
      path.join(repository, 'tool.sh'),
      `curl -u any:${leaked.key} ${stand.url}/v1/user/info.cgi\n`,
    )
    git('add', '.')
    git('commit', '--quiet', '-m', 'a tool')
    git('rm', '--quiet', 'tool.sh')
    git('commit', '--quiet', '-m', 'no tool')

    assert.equal((await stand.guichet(['scan', repository])).code, 0)
    const { code, stdout, stderr } = await stand.guichet(['scan', '--git', repository, '--revoke'])
    assert.equal(code, 1, stderr)
    assert.match(stdout, /^tool\.sh:1:13: guichet-virtual-key gch_…\w\w \(in [0-9a-f]+\)\n$/)
    assert.match(stderr, new RegExp(`^revoked: ${leaked.id} \\(leaked\\)$`, 'm'))
    for (const text of [stdout, stderr, stand.output.join('')]) assert.ok(!text.includes(leaked.key))
    assert.equal(await statusWith(leaked.key), 401)
    assert.equal(await statusWith(kept.key), 200)
  })
})

describe('the document about leaks', () => {
  it('shows commands that work as they stand', async () => {
    const work = await mkdtemp(path.join(tmpdir(), 'guichet-leaks-'))
    try {
      await mkdir(path.join(work, 'bin'))
      await mkdir(path.join(work, 'scripts'))
      await symlink(LAUNCHER, path.join(work, 'bin', 'guichet'))
      await writeFile(path.join(work, 'scripts', 'tool.sh'), 'echo nothing about keys\n')
      execFileSync('git', ['init', '--quiet'], { cwd: path.join(work, 'scripts') })
      const text = await readFile(path.join(import.meta.dirname, '../docs/leaks.md'), 'utf8')
      const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
      assert.ok(blocks.length >= 4)
      for (const block of blocks) {
        const env = {
          PATH: `${path.join(work, 'bin')}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
          HOME: work,
          GUICHET_HOME: stand.home,
        }
        const ran = await run('bash', ['-euc', block], { env, cwd: work })
        assert.equal(ran.code, 0, `${block}\n${ran.stdout}${ran.stderr}`)
      }
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
})
