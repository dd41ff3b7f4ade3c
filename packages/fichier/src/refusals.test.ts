import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ROOT, TRAITS } from '@guichet/core'
import { failureOf, hostThatGets } from './answering.testing.ts'
import { findRefusal, REFUSALS } from './refusals.ts'

describe('the table of refusals', () => {
  for (const row of REFUSALS) {
    for (const message of row.seen) {
      it(`reads ${JSON.stringify(message)} as ${row.code} (${row.id})`, async () => {
        assert.equal(findRefusal(message, 'message')?.id, row.id)
        assert.equal(findRefusal(message.toUpperCase(), 'message')?.id, row.id, 'letter case does not count')
        // The number moves over the years and decides nothing.
        assert.equal(findRefusal(message.replace(/#\d+/, '#9999'), 'message')?.id, row.id)

        const { host } = hostThatGets({ status: 403, body: { status: 'KO', message } })
        const failure = await failureOf(host.listFolder(ROOT, {}))
        assert.equal(failure.code, row.code)
        assert.equal(failure.facts['number'], /#(\d+)/.exec(message)?.[1])
        assert.equal(failure.facts['endpoint'], 'folder/ls')
        for (const [name, value] of Object.entries(row.facts ?? {})) assert.equal(failure.facts[name], value)
      })
    }
  }

  it('has a next step in every row, and scope and flood in every lock', () => {
    for (const row of REFUSALS) {
      assert.ok(row.hint.length > 10 && row.code in TRAITS && row.source !== '', row.id)
      if (row.code !== 'locked') continue
      assert.match(String(row.facts?.['scope']), /^(ip|user|key)$/)
      assert.equal(typeof row.facts?.['flood'], 'boolean')
    }
    assert.equal(new Set(REFUSALS.map((row) => row.id)).size, REFUSALS.length)
  })

  it('is what wire/refusals.md shows to people', () => {
    const shown = readFileSync(new URL('../../../wire/refusals.md', import.meta.url), 'utf8')
    for (const line of tableLines())
      assert.ok(shown.includes(line), `wire/refusals.md lacks the line\n${line}`)
    assert.equal(shown.match(/^\| `/gm)?.length, REFUSALS.length, 'wire/refusals.md has a row too many')
  })
})

describe('an answer without known words', () => {
  const cases: readonly (readonly [string, number, unknown, string])[] = [
    ['unknown words', 403, { status: 'KO', message: 'The moon is too bright #55' }, 'upstream-changed'],
    [
      'unknown words in 200',
      200,
      { status: 'KO', message: 'The moon is too bright #55' },
      'upstream-changed',
    ],
    ['a KO with no words', 200, { status: 'KO' }, 'upstream-changed'],
    [
      'a numbered message without a status',
      200,
      { message: 'The moon is too bright #55' },
      'upstream-changed',
    ],
    ['429 with unknown words', 429, { status: 'KO', message: 'Slow down, please #55' }, 'locked'],
    ['429 with an empty body', 429, '', 'locked'],
    ['429 with a page', 429, '<html>Too Many Requests</html>', 'locked'],
    ['401 with unknown words', 401, { status: 'KO', message: 'Who are you? #55' }, 'account-refused'],
    ['404 with unknown words', 404, { status: 'KO', message: 'Nothing there #55' }, 'not-found'],
    ['410 with unknown words', 410, { status: 'KO', message: 'Long gone #55' }, 'not-found'],
    ['404 with a page, which any proxy may send', 404, '<html>Not Found</html>', 'upstream-down'],
    [
      '403 with a number known to be final',
      403,
      { status: 'KO', message: 'Something #186' },
      'account-refused',
    ],
    ['500 with a KO', 500, { status: 'KO', message: 'Odd #55' }, 'upstream-down'],
    ['502 with a page', 502, '<html>Bad Gateway</html>', 'upstream-down'],
    ['a page in 200', 200, '<!DOCTYPE html><html>Welcome</html>', 'upstream-down'],
    ['nothing in 200', 200, '', 'upstream-down'],
    ['JSON that was cut', 200, '{"status":"OK","items":[{"url":"https', 'upstream-down'],
    [
      'JSON that was cut in the middle of known words',
      200,
      '{"status":"KO","message":"No such us',
      'upstream-down',
    ],
    ['a list where an object belongs', 200, [], 'upstream-changed'],
    ['null where an object belongs', 200, null, 'upstream-changed'],
  ]
  for (const [name, status, body, code] of cases) {
    it(`${name} is ${code}`, async () => {
      const { host } = hostThatGets({ status, body })
      assert.equal((await failureOf(host.listFolder(ROOT, {}))).code, code)
    })
  }

  it('quotes the words in one line of bounded length', async () => {
    const message = `line\none\u0007${'x'.repeat(1_000)}`
    const { host } = hostThatGets({ status: 403, body: { status: 'KO', message } })
    const failure = await failureOf(host.listFolder(ROOT, {}))
    assert.ok(failure.message.length < 400)
    assert.match(failure.message, /"line one x+…"$/)
  })
})

/** A row for people: what 1fichier says, what Guichet makes of it, and who has seen it. */
function tableLines(): readonly string[] {
  return REFUSALS.map((row) => {
    const seen =
      row.seen.length === 0
        ? `words unknown; read by \`${row.words.source.replaceAll('|', '\\|')}\``
        : row.seen.join('<br>')
    const facts = Object.entries(row.facts ?? {}).map(([name, value]) => `${name} ${value}`)
    return `| \`${row.id}\` | ${seen} | ${row.http} | \`${row.code}\` | ${facts.join(', ')} | ${row.source} |`
  })
}
