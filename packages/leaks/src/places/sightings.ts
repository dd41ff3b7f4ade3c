import { mayBeApiKey, Secret } from '@guichet/core'
import { fingerprintOf } from '../detect/fingerprint.ts'
import { revealRclone } from '../detect/rclone-obscure.ts'
import type { Sighting } from './place.ts'

/** The key in a value from `start` on, plain or obscured; quotation marks and blanks around it are passed over. */
export function sightValue(text: string, start: number, value: string, at: string): readonly Sighting[] {
  const [quote = ''] = /^\s*["'`]?/.exec(value) ?? []
  const bare = value.slice(quote.length).replace(/["'`]?\s*$/, '')
  const revealed = mayBeApiKey(bare) ? bare : revealRclone(bare)
  if (revealed === undefined || !mayBeApiKey(revealed)) return []
  const from = start + quote.length
  const form = revealed === bare ? 'plain' : 'obscured'
  return [sighting(text, { start: from, end: from + bare.length, form, at, key: revealed })]
}

/** Every other place in the text where the same key stands as it is. */
export function sightAgain(text: string, key: string, known: readonly Sighting[]): readonly Sighting[] {
  const found: Sighting[] = []
  for (let start = text.indexOf(key); start >= 0; start = text.indexOf(key, start + key.length)) {
    const end = start + key.length
    if (known.some((other) => start < other.end && other.start < end)) continue
    found.push(sighting(text, { start, end, form: 'plain', at: 'another mention', key }))
  }
  return found
}

export function sighting(
  text: string,
  found: Pick<Sighting, 'start' | 'end' | 'form' | 'at'> & { readonly key: string },
): Sighting {
  const { key, ...rest } = found
  return {
    ...rest,
    line: text.slice(0, found.start).split('\n').length,
    fingerprint: fingerprintOf(key),
    secret: new Secret(key),
  }
}
