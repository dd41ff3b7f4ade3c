import { GatewayError } from './errors.ts'

/** Characters that 1fichier refuses in a name (wire.md §4.10); the slash parts paths. */
const REFUSED = /[\\<>"'$`/]/
/** Control characters never belong in a name, and would break headers. */
const CONTROL = /\p{Cc}/u
/** Folder names: wire.md §5.2. File names: no limit is documented; file systems stop at 255 bytes. */
export const NAME_LENGTH_MAX = 250

/** A name that 1fichier takes, unchanged; anything else is refused here, before a byte is sent. */
export function parseName(text: string): string {
  const problem = problemOfName(text)
  if (problem === undefined) return text
  throw new GatewayError(
    'invalid',
    `Bad filename characters: ${JSON.stringify(text.slice(0, 100))} ${problem}`,
    {
      hint: 'rename it without \\ < > " \' $ ` / and without spaces at its ends',
    },
  )
}

export function problemOfName(text: string): string | undefined {
  if (text === '' || text === '.' || text === '..') return 'is not a name'
  if (text.length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`
  if (!text.isWellFormed()) return 'is not well-formed Unicode'
  if (CONTROL.test(text)) return 'contains a control character'
  const refused = REFUSED.exec(text)
  if (refused !== null) return `contains ${refused[0]}, which 1fichier refuses`
  if (text !== text.trim()) return 'begins or ends with a space'
  return undefined
}

/** An absolute path, taken apart: `/a/b` is `['a', 'b']`, the root is `[]`. */
export function parsePath(text: string): readonly string[] {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.')
  if (!parts.includes('..')) return parts
  throw new GatewayError('invalid', `the path ${JSON.stringify(text.slice(0, 100))} contains ".."`, {
    hint: 'write the path from the root, as in /folder/file',
  })
}

export function pathText(parts: readonly string[]): string {
  return `/${parts.join('/')}`
}
