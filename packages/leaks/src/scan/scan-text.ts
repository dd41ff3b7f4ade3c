import { findKeys } from '../detect/find-keys.ts'
import { createPositions } from '../detect/positions.ts'
import type { Finding } from '../finding.ts'

/** A long text is looked at in parts; what is around a part goes with it, so that nothing hides at a border. */
const PART = 1_000_000
const AROUND = 16_000

/** A line that says so holds an example, and is passed over. */
const ALLOWED = /guichet:allow/

/** As `findKeys`, in memory that does not grow with the text. */
export function findKeysInParts(text: string, path: string, part: number = PART): readonly Finding[] {
  return inParts(text, path, part).filter(({ start, end }) => {
    const newline = text.indexOf('\n', end)
    const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, newline < 0 ? undefined : newline)
    return !ALLOWED.test(line)
  })
}

function inParts(text: string, path: string, part: number): readonly Finding[] {
  if (text.length <= part + AROUND) return findKeys(text, { path })
  const positions = createPositions(text)
  const findings: Finding[] = []
  for (let from = 0; from < text.length; from += part) {
    const before = Math.max(0, from - AROUND)
    const piece = text.slice(before, from + part + AROUND)
    for (const finding of findKeys(piece, { path })) {
      const start = finding.start + before
      if (start < from || start >= from + part) continue
      findings.push({ ...finding, start, end: finding.end + before, ...positions.of(start) })
    }
  }
  return findings
}
