import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createKeyText, GatewayError } from '@guichet/core'
import { scanHistory, scanStaged } from './history.ts'
import { installHook } from './hook.ts'

const OPTIONS = { maxBytes: 1_000_000 }
const newKey = (): string => createKeyText((count) => randomBytes(count))

interface Repository extends AsyncDisposable {
  readonly folder: string
  git(...args: readonly string[]): string
  write(name: string, text: string): Promise<void>
}

async function openRepository(): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-git-'))
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  git('init', '--quiet', '--initial-branch=main')
  return {
    folder,
    git,
    write: (name, text) => writeFile(join(folder, name), text),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function keysIn(scan: AsyncIterable<{ readonly kind: string }>): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>()
  for await (const one of scan as ReturnType<typeof scanHistory>)
    if (one.kind === 'found') keys.set(one.finding.secret.expose(), `${one.path} ${one.commit ?? ''}`.trim())
  return keys
}

describe('a scan of a history', () => {
  it('finds what was ever committed, on every branch, in stashes and messages, and behind every name (K19)', async () => {
    await using repository = await openRepository()
    const { folder, git, write } = repository
    const [removed, branched, stashed, told, lost, dangling] = [
      newKey(),
      newKey(),
      newKey(),
      newKey(),
      newKey(),
      newKey(),
    ]
    await write('a file.txt', `key ${removed}\n`)
    git('add', '.')
    git('commit', '--quiet', '-m', 'first')
    const first = git('rev-parse', '--short', 'HEAD').trim()
    git('rm', '--quiet', 'a file.txt')
    git('commit', '--quiet', '-m', `no more ${told}`)
    git('checkout', '--quiet', '-b', 'other')
    await write('b', branched)
    git('add', '.')
    git('commit', '--quiet', '-m', 'on a branch')
    git('checkout', '--quiet', 'main')
    await write('c', stashed)
    git('add', '.')
    git('stash', '--quiet')
    await write('d', lost)
    git('add', '.')
    git('commit', '--quiet', '-m', 'soon gone')
    git('reset', '--quiet', '--hard', 'HEAD~1')
    await write('e', dangling)
    git('add', '.')
    git('reset', '--quiet')
    await rm(join(folder, 'e'))
    git('gc', '--quiet')

    const keys = await keysIn(scanHistory(folder, OPTIONS))
    assert.equal(keys.get(removed), `a file.txt ${first}`)
    assert.match(keys.get(branched) ?? '', /^b [0-9a-f]{7,}$/)
    assert.match(keys.get(stashed) ?? '', /^c [0-9a-f]{7,}$/)
    assert.match(keys.get(told) ?? '', /^commit [0-9a-f]{12}$/)
    assert.match(keys.get(lost) ?? '', /^d [0-9a-f]{7,}$/)
    assert.match(keys.get(dangling) ?? '', /#[0-9a-f]{12}$/)
    assert.equal(keys.size, 6)
  })

  it('looks at each content once, and leaves out what is too large', async () => {
    await using repository = await openRepository()
    const { folder, git, write } = repository
    for (const name of ['one', 'two']) await write(name, `${newKey()} in both\n`.slice(-9))
    await write('large', 'x'.repeat(5_000))
    git('add', '.')
    git('commit', '--quiet', '-m', 'all')
    const told: string[] = []
    for await (const one of scanHistory(folder, { maxBytes: 1_000 }))
      told.push(one.kind === 'unread' ? `${one.path}: ${one.reason}` : one.kind)
    assert.deepEqual(told.sort(), [
      'large: it has 5000 bytes, more than the 1000 that are looked at',
      'looked',
      'looked',
    ])
  })

  it('says what is wrong where there is no repository', async () => {
    const nowhere = await mkdtemp(join(tmpdir(), 'guichet-nogit-'))
    try {
      for (const attempt of [
        () => keysIn(scanHistory(nowhere, OPTIONS)),
        () => keysIn(scanStaged(nowhere, OPTIONS)),
        () => installHook(nowhere, ['guichet']),
      ])
        await assert.rejects(attempt, (failure) => {
          assert.ok(failure instanceof GatewayError && failure.code === 'not-found')
          assert.match(failure.message, /is not in a git repository$/)
          return true
        })
    } finally {
      await rm(nowhere, { recursive: true, force: true })
    }
  })
})

describe('what is about to be committed', () => {
  it('is scanned as it is staged, and not as it lies in the folder (K19)', async () => {
    await using repository = await openRepository()
    const { folder, git, write } = repository
    const [staged, unstaged] = [newKey(), newKey()]
    await write('x', staged)
    git('add', '.')
    await write('x', unstaged)
    assert.deepEqual([...(await keysIn(scanStaged(folder, OPTIONS)))], [[staged, 'x']])
  })
})

describe('the hook', () => {
  /** Stands for guichet, and refuses everything. */
  const refusing = ['sh', '-c', 'echo "scan was asked: $*" >&2; exit 1', 'guichet']

  it('runs what was there before, and then the scan (K19)', async () => {
    await using repository = await openRepository()
    const { folder, git, write } = repository
    const before = join(folder, '.git/hooks/pre-commit')
    await writeFile(before, '#!/bin/sh\necho ran-before >&2\n')
    await chmod(before, 0o755)
    const installed = await installHook(folder, refusing)
    assert.deepEqual(installed, {
      path: before,
      kept: join(folder, '.git/hooks/pre-commit.before-guichet'),
      isNew: true,
    })
    await write('x', 'x')
    git('add', '.')
    const path = `${folder}/bin:/usr/bin:/bin`
    assert.throws(
      () =>
        execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-m', 'x'], {
          cwd: folder,
          encoding: 'utf8',
          stdio: 'pipe',
          env: { PATH: path },
        }),
      /ran-before[\s\S]*scan was asked: scan --staged/,
    )
    // Installed twice it neither chains itself nor loses what was there.
    assert.equal((await installHook(folder, refusing)).isNew, false)
    assert.match(await readFile(join(folder, '.git/hooks/pre-commit.before-guichet'), 'utf8'), /ran-before/)
  })
})
