import { type Format, PLAIN, type Sighting } from './place.ts'
import { sightValue } from './sightings.ts'

/** `rclone.conf`: sections of `name = value`; those with `type = fichier` have the key as `api_key`. */
export const RCLONE_CONF: Format = {
  ...PLAIN,

  open(content) {
    const text = content.toString('latin1')
    if (!/^RCLONE_ENCRYPT_V\d+:/m.test(text)) return { text }
    return {
      problem: 'it is encrypted with a password of rclone',
      hint: 'take the password off in `rclone config` (s, then u), adopt, and set it again there',
    }
  },

  find(text) {
    const sections: Section[] = []
    for (const { line, start } of linesOf(text)) {
      const [, name] = /^\s*\[([^\]]*)\]\s*$/.exec(line) ?? []
      const [, before = '', option = '', gap = '', value = ''] =
        /^(\s*)([^\s#;=:[][^=:]*?)(\s*[=:]\s*)(.*?)\s*$/.exec(line) ?? []
      if (name !== undefined) sections.push({ name, type: '', keys: [] })
      const section = sections.at(-1)
      if (name !== undefined || section === undefined) continue
      if (option === 'type') section.type = value
      if (option !== 'api_key') continue
      const from = start + before.length + option.length + gap.length
      section.keys.push(...sightValue(text, from, value, `the remote ${JSON.stringify(section.name)}`))
    }
    return sections.filter(({ type }) => type === 'fichier').flatMap(({ keys }) => keys)
  },
}

interface Section {
  readonly name: string
  type: string
  readonly keys: Sighting[]
}

export function* linesOf(text: string): Generator<{ readonly line: string; readonly start: number }> {
  let start = 0
  for (const line of text.split('\n')) {
    yield { line: line.replace(/\r$/, ''), start }
    start += line.length + 1
  }
}
