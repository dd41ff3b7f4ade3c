import type { Secret } from '@guichet/core'
import { obscureRclone } from '../detect/rclone-obscure.ts'
import { JDOWNLOADER } from './jdownloader.ts'
import type { Format, Place, Sighting, Tool } from './place.ts'
import { PLAIN_TEXT } from './plain-text.ts'
import { PYLOAD } from './pyload.ts'
import { RCLONE_CONF } from './rclone-conf.ts'
import { sightAgain } from './sightings.ts'

const API = 'https://api.1fichier.com'

/** rclone obscures with a random block before each value. */
const IV_BYTES = 16

const FORMATS: Readonly<Partial<Record<Tool, Format>>> = {
  rclone: RCLONE_CONF,
  JDownloader: JDOWNLOADER,
  pyLoad: PYLOAD,
}

/** The keys of the account in the content of a place, or why it cannot be read and what a person can do. */
export type PlaceReading =
  | { readonly sightings: readonly Sighting[] }
  | { readonly problem: string; readonly hint: string }

export function readPlace(place: Place, content: Buffer): PlaceReading {
  const format = formatOf(place)
  const opened = format.open(content)
  if ('problem' in opened) return opened
  const first = format.find(opened.text, place.path)
  const again = [...new Set(first.map(({ secret }) => secret.expose()))].flatMap((key) =>
    sightAgain(opened.text, key, first),
  )
  return { sightings: [...first, ...again].sort((a, b) => a.start - b.start) }
}

/** What takes the place of a key. */
export interface Substitute {
  readonly key: Secret
  readonly random: (count: number) => Uint8Array
  /** Takes the place of `https://api.1fichier.com` in texts that name it, where it is given. */
  readonly address?: string | undefined
}

/**
 * The content with another key at each of these sightings, in the form that each has; every other byte stays.
 * Sightings that are wrapped in another encoding stay, too.
 */
export function rewritePlace(
  place: Place,
  content: Buffer,
  sightings: readonly Sighting[],
  by: Substitute,
): Buffer {
  const format = formatOf(place)
  const opened = format.open(content)
  if ('problem' in opened) return content
  let text = ''
  let from = 0
  for (const { start, end, form } of [...sightings].sort((a, b) => a.start - b.start)) {
    if (form === 'wrapped') continue
    const cover = form === 'plain' ? by.key.expose() : obscureRclone(by.key.expose(), by.random(IV_BYTES))
    text += opened.text.slice(from, start) + cover
    from = end
  }
  const whole = text + opened.text.slice(from)
  const { address } = by
  return format.close(address === undefined || place.tool in FORMATS ? whole : whole.replaceAll(API, address))
}

/** What a person may see of the content: each line with a key, before and after, with masks for the keys. */
export function previewPlace(
  place: Place,
  content: Buffer,
  sightings: readonly Sighting[],
  masks: { readonly before: string; readonly after: string },
): readonly { readonly line: number; readonly before: string; readonly after: string }[] {
  const opened = formatOf(place).open(content)
  if ('problem' in opened) return []
  const changed = sightings.filter(({ form }) => form !== 'wrapped')
  return [...new Set(changed.map(({ line }) => line))].map((line) => {
    const inLine = changed.filter((one) => one.line === line)
    return {
      line,
      before: maskedLine(opened.text, inLine, masks.before),
      after: maskedLine(opened.text, inLine, masks.after),
    }
  })
}

/** How much of a long line is shown on each side of a key. */
const AROUND = 60

function maskedLine(text: string, sightings: readonly Sighting[], mask: string): string {
  const [first] = sightings
  const last = sightings.at(-1)
  if (first === undefined || last === undefined) return ''
  const lineStart = text.lastIndexOf('\n', first.start - 1) + 1
  const lineEnd = text.indexOf('\n', last.end)
  const from = Math.max(lineStart, first.start - AROUND)
  const to = Math.min(lineEnd < 0 ? text.length : lineEnd, last.end + AROUND)
  let shown = ''
  let at = from
  for (const { start, end } of sightings) {
    shown += text.slice(at, start) + mask
    at = end
  }
  const whole = `${from > lineStart ? '…' : ''}${shown}${text.slice(at, to)}`
  return Buffer.from(whole.replace(/\r$/, ''), 'latin1').toString('utf8')
}

function formatOf({ tool }: Place): Format {
  return FORMATS[tool] ?? PLAIN_TEXT
}
