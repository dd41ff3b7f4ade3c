import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createKeyText } from '@guichet/core'
import { JDOWNLOADER_ACCOUNTS } from '../places/jdownloader.ts'
import { scanPaths } from './files.ts'
import { findKeysInParts } from './scan-text.ts'

const API_KEY = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'
const SETTING = `FICHIER_API_KEY=${API_KEY}\n`

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-scan-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function scanned(paths: readonly string[], maxBytes = 1_000_000): Promise<readonly string[]> {
  const told: string[] = []
  for await (const one of scanPaths(paths, { maxBytes })) {
    if (one.kind === 'found') told.push(`${one.path}:${one.finding.line}:${one.finding.column}`)
    if (one.kind === 'unread') told.push(`${one.path}: ${one.reason}`)
  }
  return told
}

describe('a scan of files', () => {
  it('finds keys in folders below folders, and stays inside them (K19)', () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, 'in/a/b'), { recursive: true })
      await mkdir(join(folder, 'out'))
      await writeFile(join(folder, 'out/secret'), SETTING)
      await writeFile(join(folder, 'in/a/b/.env'), `X=1\n${SETTING}`)
      await symlink(join(folder, 'out'), join(folder, 'in/a/link'))
      await symlink(join(folder, 'in'), join(folder, 'in/a/circle'))
      assert.deepEqual(await scanned([join(folder, 'in')]), [`${join(folder, 'in/a/b/.env')}:2:17`])
      // A link that is named itself is followed, and nothing is looked at twice.
      assert.deepEqual(await scanned([join(folder, 'in/a/link'), join(folder, 'out')]), [
        `${join(folder, 'in/a/link/secret')}:1:17`,
      ])
    }))

  it('leaves out what is too large, no file, or not there, with a line for each', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'large'), SETTING.repeat(50))
      execFileSync('mkfifo', [join(folder, 'pipe')])
      await symlink(join(folder, 'loop'), join(folder, 'loop'))
      assert.deepEqual(
        await scanned(
          ['large', 'pipe', 'missing', 'loop'].map((name) => join(folder, name)),
          1_000,
        ),
        [
          `${join(folder, 'large')}: it has ${50 * SETTING.length} bytes, more than the 1000 that are looked at`,
          `${join(folder, 'pipe')}: it is no regular file`,
          `${join(folder, 'missing')}: it does not exist`,
          `${join(folder, 'loop')}: it is a link in a circle`,
        ],
      )
      // A pipe inside a folder is no news.
      assert.equal((await scanned([folder], 10_000)).length, 50)
    }))

  it('reads what is not plain text: binary files, UTF-16, compressed logs, JDownloader (K19)', () =>
    inFolder(async (folder) => {
      const virtual = createKeyText((count) => randomBytes(count))
      const accounts = `{"1fichier.com":[{"user":"","password":"${API_KEY}"}]}`
      const jdKey = Buffer.from([1, 6, 4, 5, 2, 7, 4, 3, 12, 61, 14, 75, 254, 249, 212, 33])
      const cipher = createCipheriv('aes-128-cbc', jdKey, jdKey)
      const files: Readonly<Record<string, Buffer>> = {
        'binary.bin': Buffer.concat([randomBytes(3_000), Buffer.from(`\0${virtual}\0`), randomBytes(3_000)]),
        'latin1.txt': Buffer.from(`clé 1fichier é: ${API_KEY}\n`, 'latin1'),
        'log.1.gz': gzipSync(`Authorization: Bearer ${API_KEY} Host: api.1fichier.com\n`),
        'utf16.ps1': Buffer.from(`\ufeff$env:FICHIER_API_KEY = "${API_KEY}"\r\n`, 'utf16le'),
        [JDOWNLOADER_ACCOUNTS]: Buffer.concat([cipher.update(accounts), cipher.final()]),
      }
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
      const found = (await scanned([folder])).map((line) => line.slice(folder.length + 1).split(':')[0])
      assert.deepEqual(found, Object.keys(files).sort())
    }))

  it('passes over lines that say that they hold an example', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'test'), `${SETTING.trim()} # guichet:allow\n${SETTING}`)
      assert.deepEqual(await scanned([folder]), [`${join(folder, 'test')}:2:17`])
    }))

  it('finds the same in parts as in the whole, each key once', () => {
    const filler = 'nothing to be seen here\n'
    for (const shift of [0, 1, 15, 16, 17, 31, 32, 60]) {
      const text = `${filler.repeat(3_000)}${' '.repeat(shift)}\n${SETTING}${filler.repeat(3_000)}${SETTING}`
      const places = [...text.matchAll(/FICHIER_API_KEY=/g)].map(({ index }) => index + 16)
      for (const part of [10_000, places[0] ?? 0, (places[0] ?? 0) + 5])
        assert.deepEqual(
          findKeysInParts(text, 'x', part).map(({ start }) => start),
          places,
        )
    }
  })
})
