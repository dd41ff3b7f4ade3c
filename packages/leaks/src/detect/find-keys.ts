import { isKeyText, isWrapToken, Secret } from '@guichet/core'
import type { Encoding, FindContext, Finding } from '../finding.ts'
import { candidatesIn } from './candidates.ts'
import { encodedIn } from './encodings.ts'
import { unescapeAll } from './escapes.ts'
import { fingerprintOf } from './fingerprint.ts'
import { judge, type Verdict } from './judge.ts'
import { mayMention } from './mentions.ts'
import { createPositions } from './positions.ts'
import { virtualKeysInBase64 } from './virtual-base64.ts'

/** What is known before its line and column are. */
interface Hit extends Verdict {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly encoding: Encoding
}

/** Encodings around encodings are undone so often. */
const DEPTH = 3

/** Every key in a text, in its order; none overlaps another. */
export function findKeys(text: string, context: FindContext = {}): readonly Finding[] {
  const hits = hitsIn(text, context, DEPTH)
  if (hits.length === 0) return []
  const positions = createPositions(text)
  const findings: Finding[] = []
  let end = 0
  for (const hit of hits.toSorted((a, b) => a.start - b.start)) {
    if (hit.start < end) continue
    end = hit.end
    findings.push({
      kind: hit.rule === 'guichet-virtual-key' ? 'virtual-key' : 'api-key',
      rule: hit.rule,
      confidence: hit.confidence,
      encoding: hit.encoding,
      start: hit.start,
      end: hit.end,
      ...positions.of(hit.start),
      fingerprint: fingerprintOf(hit.key),
      secret: new Secret(hit.key),
    })
  }
  return findings
}

function hitsIn(text: string, context: FindContext, depth: number): readonly Hit[] {
  const hits: Hit[] = [...virtualKeysIn(text), ...apiKeysIn(text, context)]
  const add = (more: readonly Hit[]): void => {
    for (const hit of more)
      if (!hits.some((known) => known.start < hit.end && hit.start < known.end)) hits.push(hit)
  }
  if (depth === 0) return hits
  const plain = unescapeAll(text)
  if (plain !== undefined) {
    add(
      hitsIn(plain.text, context, depth - 1).map((hit) => {
        const start = plain.original(hit.start)
        const end = plain.original(hit.end)
        const isEscaped = hit.encoding === 'plain' && end - start !== hit.end - hit.start
        return { ...hit, start, end, encoding: isEscaped ? 'escaped' : hit.encoding }
      }),
    )
  }
  for (const part of encodedIn(text)) add(inside(text, part, context, depth))
  add(virtualKeysInBase64(text).map((found) => ({ ...found, ...VIRTUAL, encoding: 'base64' })))
  return hits
}

const VIRTUAL: Verdict = { rule: 'guichet-virtual-key', confidence: 'certain' }

function virtualKeysIn(text: string): readonly Hit[] {
  // A token that fetches a key once is as good as the key, until somebody has used it.
  return [...text.matchAll(/gc[hw]_[0-9A-Za-z]{28}/g)]
    .filter(([key]) => isKeyText(key) || isWrapToken(key))
    .map(({ 0: key, index }) => ({ ...VIRTUAL, key, start: index, end: index + 32, encoding: 'plain' }))
}

function apiKeysIn(text: string, context: FindContext): readonly Hit[] {
  if (!mayMention(text) && !mayMention(context.path ?? '')) return []
  return candidatesIn(text).flatMap(({ start, end }) => {
    const key = text.slice(start, end)
    const verdict = judge(key, text, start, end, context)
    return verdict === undefined ? [] : [{ ...verdict, key, start, end, encoding: 'plain' as const }]
  })
}

/** Keys in an encoded part: named inside it, or by what stands around it. */
function inside(
  text: string,
  part: { readonly start: number; readonly end: number; readonly encoding: Encoding; readonly text: string },
  context: FindContext,
  depth: number,
): readonly Hit[] {
  const { start, end, encoding } = part
  const named = hitsIn(part.text, context, depth - 1)
  if (named.length > 0) return named.map((hit) => ({ ...hit, start, end, encoding }))
  return candidatesIn(part.text).flatMap((candidate) => {
    const key = part.text.slice(candidate.start, candidate.end)
    if (!/^(?:[^\s:]{0,80}:)?$/.test(part.text.slice(0, candidate.start))) return []
    const verdict = judge(key, text, start, end, context)
    return verdict === undefined ? [] : [{ ...verdict, key, start, end, encoding }]
  })
}
