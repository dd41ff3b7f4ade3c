import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startEmulator } from './index.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)

test('the examples of the README run as they stand there', async () => {
  const [start = '', ...others] = examples
  assert.ok(start.includes('startEmulator') && others.length > 0)
  // One program of all of them: each goes on where the one before it ended.
  const program = [start.replace(/^import .*\n/, ''), ...others].join('\n')
  const printed: unknown[][] = []
  const run = new Function('startEmulator', 'console', `return (async () => { ${program} })()`)
  await run(startEmulator, { log: (...words: unknown[]) => printed.push(words) })
  assert.equal(printed[0]?.length, 4)
  assert.ok(printed[0]?.every((word) => typeof word === 'string' || word !== null))
})
