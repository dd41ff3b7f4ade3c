import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = import.meta.dirname
const text = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')

/** The lines of the tables whose last column is "proven by". */
const rows = text
  .split('\n')
  .filter(
    (line) => line.startsWith('| ') && !line.startsWith('| who could') && !line.startsWith('| what fails'),
  )
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

describe('the threat table of SECURITY.md', () => {
  it('has lines, each with the tests that prove it (R1)', () => {
    assert.ok(rows.length >= 20)
    for (const cells of rows) {
      const proofs = proofsIn(cells.at(-1) ?? '')
      assert.ok(proofs.length >= 1, `${cells[0]} is proven by nothing`)
    }
  })

  it('names tests that exist and say in their titles what they promise (R1)', () => {
    const wrong = rows.flatMap((cells) =>
      proofsIn(cells.at(-1) ?? '').flatMap(({ file, promises }) => {
        const titles = titlesIn(file)
        return promises
          .filter((promise) => !titles.some((title) => promisesIn(title).includes(promise)))
          .map((promise) => `${cells[0]}: ${file} has no test of ${promise}`)
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('is played from outside, line by line: every attack of the suite stands in it (R1)', () => {
    const attacks = globSync('e2e/attacks/*.test.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'))
    assert.ok(attacks.length >= 7)
    for (const file of attacks) assert.ok(text.includes(`\`${file}\``), `${file} proves nothing`)
  })

  it('names no test file that is not there (R1)', () => {
    const known = new Set(
      globSync(['*.test.ts', 'e2e/**/*.test.ts', 'packages/*/src/**/*.test.ts'], { cwd: root }).map((file) =>
        path.basename(file),
      ),
    )
    const named = [...text.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, name = '']) => name)
    assert.deepEqual(
      named.filter((name) => !known.has(path.basename(name))),
      [],
    )
  })
})

/** `file` (K1, R2), `other file` (R3) */
function proofsIn(cell: string): readonly { readonly file: string; readonly promises: readonly string[] }[] {
  return [...cell.matchAll(/`([^`]+\.test\.ts)` \(([^)]+)\)/g)].map(([, file = '', promises = '']) => ({
    file,
    promises: promises.split(', '),
  }))
}

function titlesIn(file: string): readonly string[] {
  const source = readFileSync(path.join(root, file), 'utf8')
  return [...source.matchAll(/\bit\(\s*(['"`])(.*?)\1,/gs)].map(([, , title = '']) => title)
}

function promisesIn(title: string): readonly string[] {
  return [...title.matchAll(/\(([A-Z]\d+(?:, [A-Z]\d+)*)\)/g)].flatMap(([, list = '']) => list.split(', '))
}
