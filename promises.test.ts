import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

/** What Guichet promises about custody, the network and its state: each is kept by tests that carry its name. */
const PROMISES = [...range('K', 20), ...['R1', 'R2', 'R3', 'R4', 'R5', 'R7', 'R10', 'R11'], ...['U5', 'U7']]

const TITLE = /\b(?:test|it|describe)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g
const IDS = /\(([^()]*)\)/g

test('each promise has a test with its name in the title', () => {
  const kept = new Set(titles().flatMap(idsIn))
  assert.deepEqual(
    PROMISES.filter((promise) => !kept.has(promise)),
    [],
  )
})

function titles(): readonly string[] {
  const files = globSync(['e2e/**/*.test.ts', 'packages/*/src/**/*.test.ts', '*.test.ts'])
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(TITLE)].map(([, ...quoted]) => quoted.join('')),
  )
}

function idsIn(title: string): readonly string[] {
  return [...title.matchAll(IDS)].flatMap(([, inside = '']) => inside.split(/[ ,]+/))
}

function range(letter: string, last: number): readonly string[] {
  return Array.from({ length: last }, (_none, index) => `${letter}${index + 1}`)
}
