import { candidatesIn } from './candidates.ts'
import { looksRandom } from './shapes.ts'

/**
 * A mention of 1fichier. The word alone is French for "file", so without its 1 it counts only where a setting names
 * the service: `type = fichier`, `:fichier,`, `[fichier]`, `FICHIER_`, `--fichier-`.
 */
const MENTION =
  /1[-_ ]?fichier|one[-_]?fichier|(?<![A-Za-z])type["']?\s*[=:]\s*["']?fichier\b|:fichier[,:]|\[fichier\]|(?<![A-Za-z])FICHIER_|_FICHIER(?![A-Za-z])|["']fichier["']|^\s*fichier:|--fichier-|\bcreate\s+\S+\s+fichier\b|\/v1\/(?:user\/info|folder\/(?:ls|mkdir|rm|mv)|file\/(?:ls|info|cp|mv|rm|rename|chattr|scan)|download\/get_token|upload\/get_upload_server|remote\/\w+)\.cgi/im
/** A name that Kubernetes and others write one level deeper than what it names. */
const NAMED_BLOCK = /^\s+name["']?:\s*\S*fichier/i
/** `service:`, `"accounts": [`: what is below it belongs to it alone. */
const DATA_HEAD = /^\s*(?:-\s+)?["']?[\w.@-]+["']?\s*:\s*[{[]?\s*$/
/** Another host: what stands behind it is about that one. */
const OTHER_HOST =
  /(?:\/\/(?:[^\s/@]*@)?|["']|\bHost:\s*)(?!(?:[\w-]+\.)*1fichier\.com)(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w.(@])/i
const OWN_KEY = /fichier\w*?(?:key|token|secret|pass)\w*["'\]]*\s*[:=]\s*\S/i
const NEAR = { sameLine: 400, linesUp: 12, linesDown: 8 }

export function mentions(text: string): boolean {
  return MENTION.test(text)
}

/** Without it nothing in a text can be about 1fichier. */
export function mayMention(text: string): boolean {
  return /fichier|\/v1\/\w+\/\w+\.cgi/i.test(text)
}

export interface Surroundings {
  /** What of the line is before it, and behind it; cut to what is near. */
  readonly before: string
  readonly after: string
  /** What is before it, in the lines before too. */
  readonly lead: string
  /** How many lines away 1fichier is mentioned, in a way that concerns this place. */
  readonly mentionLines: number | undefined
  /** The section of an INI file it stands in; empty elsewhere. */
  readonly section: string
}

/** What is around a part of a text. */
export function surroundingsOf(text: string, start: number, end: number): Surroundings {
  const from = text.lastIndexOf('\n', start - 1) + 1
  const newline = text.indexOf('\n', end)
  const to = newline < 0 ? text.length : newline
  const before = text.slice(Math.max(from, start - NEAR.sameLine), start)
  const after = text.slice(end, Math.min(to, end + NEAR.sameLine))
  const above = linesAbove(text, from, NEAR.linesUp)
  const below = linesBelow(text, to, NEAR.linesDown)
  const section = sectionOf(text, from, to)
  const here = inLine(before, after)
  const indent = indentOf(text.slice(from, Math.min(to, from + 200)))
  const lead = text.slice(Math.max(0, start - NEAR.sameLine), start)
  const mentionLines = {
    here: () => 0,
    elsewhere: () => undefined,
    unsaid: () => nearest(lookUp(above, indent), lookDown(below, indent)),
  }[here]()
  return { before, after, lead, section, mentionLines }
}

/** What the line itself says: that it is about 1fichier, that it is about another host, or neither. */
function inLine(before: string, after: string): 'here' | 'elsewhere' | 'unsaid' {
  const last = lastMention(before)
  const since = before.slice(last ?? 0)
  if (last !== undefined && !isCutOff(since)) return 'here'
  const next = MENTION.exec(after)
  if (next !== null && !isCutOff(after.slice(0, next.index))) return 'here'
  return OTHER_HOST.test(since) || OTHER_HOST.test(after) || last !== undefined ? 'elsewhere' : 'unsaid'
}

/** A closed block, or another host, stands between a mention and the text. */
function isCutOff(between: string): boolean {
  return (/[}\]]\s*,\s*["{[]/.test(between) && !/bearer\s+$/i.test(between)) || OTHER_HOST.test(between)
}

function lastMention(text: string): number | undefined {
  let last: number | undefined
  for (const match of text.matchAll(new RegExp(MENTION, 'gim'))) last = match.index + match[0].length
  return last
}

/** Up through the lines at this depth and the heads of the blocks around it, not into blocks beside it. */
function lookUp(lines: readonly string[], indent: number): number | undefined {
  let depth = indent
  let deeper = false
  let isInData = false
  let isSecret = false
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const own = indentOf(line)
    if (own > depth) {
      if ((!isInData || isSecret) && NAMED_BLOCK.test(line)) return index + 1
      deeper = true
      continue
    }
    const isHead = /[:{[(]\s*(?:#.*)?$/.test(line)
    const isBeside = isHead && own === depth && deeper
    const isAround = isHead && own < depth
    deeper = false
    depth = own
    if (isBeside || (isInData && !isAround)) continue
    if (isAround && DATA_HEAD.test(line)) {
      isInData = true
      isSecret = /^(?:string)?data:/i.test(line)
    }
    if (MENTION.test(line)) {
      if (!hasOwnKey(line)) return index + 1
    } else if (OTHER_HOST.test(line)) return undefined
    if (isIniHead(line)) return undefined
  }
  return undefined
}

function lookDown(lines: readonly string[], indent: number): number | undefined {
  let depth = indent
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || isIniHead(line)) return undefined
    const own = indentOf(line)
    if (own < depth) {
      // The end of the block, and then perhaps its use.
      if (!/^\s*[}\])]+;?\s*$/.test(line)) return undefined
      depth = own
    }
    if (/^\s*(?:#|\/\/|;)/.test(line)) continue
    if (MENTION.test(line)) {
      if (!hasOwnKey(line)) return index + 1
    } else if (OTHER_HOST.test(line)) return undefined
  }
  return undefined
}

/** A line with a key of its own says nothing about another line. */
export function hasOwnKey(line: string): boolean {
  return (
    OWN_KEY.test(line) || candidatesIn(line).some(({ start, end }) => looksRandom(line.slice(start, end)))
  )
}

function nearest(up: number | undefined, down: number | undefined): number | undefined {
  if (up === undefined || down === undefined) return up ?? down
  return Math.min(up, down)
}

function linesAbove(text: string, lineStart: number, most: number): readonly string[] {
  const lines: string[] = []
  for (let end = lineStart - 1; end >= 0 && lines.length < most; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1
    lines.push(text.slice(end === 0 ? 0 : start, Math.min(end, start + NEAR.sameLine)))
    end = end === 0 ? -1 : start - 1
  }
  return lines
}

function linesBelow(text: string, lineEnd: number, most: number): readonly string[] {
  const lines: string[] = []
  for (let start = lineEnd + 1; start < text.length && lines.length < most; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    lines.push(text.slice(start, Math.min(end, start + NEAR.sameLine)))
    start = end + 1
  }
  return lines
}

const SECTION_LINES = 60

/** A head, and settings up to the next blank line. */
function sectionOf(text: string, lineStart: number, lineEnd: number): string {
  const own = text.slice(lineStart, lineEnd)
  if (!isSetting(own)) return ''
  const above = linesAbove(text, lineStart, SECTION_LINES)
  const head = above.findIndex(isIniHead)
  if (head < 0 || !above.slice(0, head).every(isSetting)) return ''
  const below = linesBelow(text, lineEnd, SECTION_LINES)
  const end = below.findIndex((line) => !isSetting(line))
  return [...above.slice(0, head + 1).reverse(), own, ...below.slice(0, end < 0 ? undefined : end)].join('\n')
}

function isSetting(line: string): boolean {
  return /^\s*(?:[\w.-]+\s*=|[#;])/.test(line)
}

function isIniHead(line: string): boolean {
  return /^\[[^\]]+\]\s*$/.test(line)
}

function indentOf(line: string): number {
  return /^[>\s]*/.exec(line)?.[0].length ?? 0
}
