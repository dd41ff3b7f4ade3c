import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openStand, type Stand } from './stand.testing.ts'

/**
 * What a person types and sees, replayed: `$ command`, its output, `2>` before each line of the errors, `exit n`.
 * `# …` and empty lines stay. UPDATE=1 writes the files anew.
 */
const folder = join(import.meta.dirname, '..', 'transcripts')

describe('transcripts', () => {
  let stand: Stand
  before(async () => {
    stand = await openStand()
  })
  after(() => stand[Symbol.asyncDispose]())

  for (const path of globSync(join(folder, '*.txt')).sort()) {
    it(`${basename(path, '.txt')} is what a person sees`, async () => {
      const written = readFileSync(path, 'utf8')
      const replayed = await replay(stand, written)
      if (process.env['UPDATE'] === '1') writeFileSync(path, replayed)
      else assert.equal(replayed, written)
    })
  }
})

async function replay(stand: Stand, written: string): Promise<string> {
  const lines: string[] = []
  for (const line of written.split('\n').filter((text) => /^(?:#|\$|$)/.test(text))) {
    lines.push(line)
    if (!line.startsWith('$')) continue
    const [command, ...args] = words(line.slice(1))
    assert.equal(command, 'guichet', line)
    const { output, errors, exit } = await stand.run(args)
    lines.push(...shown(stand, output, ''), ...shown(stand, errors, '2> '))
    if (exit !== 0) lines.push(`exit ${exit}`)
  }
  return lines.join('\n')
}

function shown(stand: Stand, text: string, prefix: string): readonly string[] {
  if (text === '') return []
  const lines = steady(stand, text).replace(/\n$/, '').split('\n')
  return lines.map((line) => `${prefix}${line}`.trimEnd())
}

/** What differs from run to run, by the name of what it is. */
function steady({ folder: work, url }: Stand, text: string): string {
  return text
    .replaceAll(work, 'WORK')
    .replaceAll(url, 'URL')
    .replaceAll(url.replace('http://', ''), 'ADDRESS')
    .replace(/gch_[0-9A-Za-z]{28}/g, 'KEY')
    .replace(/gcw_[0-9A-Za-z]{28}/g, 'TOKEN')
    .replace(/\/t\/[\w-]{40}/g, '/t/TICKET')
    .replace(/\bk-[a-z0-9]{8}\b/g, 'k-ID')
    .replace(/\?[a-z0-9]{20}\b/g, '?ID')
    .replace(/\bfolder:[1-9]\d*/g, 'folder:ID')
    .replace(/1fichier\.com\/dir\/[A-Za-z0-9]+/g, '1fichier.com/dir/ID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME')
}

/** Words of a shell, with single and double quotes. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_whole, single, double) => single ?? double),
  )
}
