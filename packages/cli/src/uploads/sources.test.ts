import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findSources } from './sources.ts'

async function makeFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-sources-'))
  await mkdir(join(path, 'a/b'), { recursive: true })
  await mkdir(join(path, 'a/empty'))
  await writeFile(join(path, 'a/1.txt'), 'one')
  await writeFile(join(path, 'a/b/2.txt'), 'two')
  await writeFile(join(path, 'a/zero'), '')
  await writeFile(join(path, 'a/do$lar'), 'x')
  await symlink('..', join(path, 'a/b/circle'))
  await symlink('../1.txt', join(path, 'a/b/linked'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

const never = new AbortController().signal

describe('local sources', () => {
  it('are found with everything below them, and what cannot be sent is named with its reason', async () => {
    await using folder = await makeFolder()
    const found = await findSources(['a'], { cwd: folder.path, recursive: true, signal: never })
    assert.deepEqual(
      found.files.map(({ names }) => names.join('/')),
      ['a/1.txt', 'a/b/2.txt', 'a/b/linked'],
    )
    assert.deepEqual(found.folders, [['a'], ['a', 'b'], ['a', 'empty']])
    assert.deepEqual(
      found.refused.map(({ source, error }) => [source, error.code]),
      [
        ['a/b/circle', 'invalid'],
        ['a/do$lar', 'invalid'],
        ['a/zero', 'invalid'],
      ],
    )
  })

  it('with a slash at the end are what is inside', async () => {
    await using folder = await makeFolder()
    const found = await findSources(['a/b/'], { cwd: folder.path, recursive: true, signal: never })
    assert.deepEqual(found.folders, [[]])
    assert.deepEqual(
      found.files.map(({ names, shown }) => [names.join('/'), shown]),
      [
        ['2.txt', 'a/b/2.txt'],
        ['linked', 'a/b/linked'],
      ],
    )
  })

  it('that are missing, or folders unasked, do not keep the others back', async () => {
    await using folder = await makeFolder()
    const found = await findSources(['nope', 'a', 'a/1.txt'], {
      cwd: folder.path,
      recursive: false,
      signal: never,
    })
    assert.deepEqual(
      found.refused.map(({ error }) => error.code),
      ['not-found', 'invalid'],
    )
    assert.equal(found.files.length, 1)
  })

  it('with a name that is no text are refused for that reason', async () => {
    await using folder = await makeFolder()
    await writeFile(Buffer.concat([Buffer.from(`${folder.path}/a/b/latin`), Buffer.of(0xe9)]), 'x')
    const found = await findSources(['a/b'], { cwd: folder.path, recursive: true, signal: never })
    const messages = found.refused.map(({ error }) => error.message)
    assert.ok(
      messages.some((message) => message.endsWith('is not valid UTF-8')),
      messages.join('; '),
    )
  })
})
