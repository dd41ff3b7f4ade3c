import { isKeyText, Secret } from '@guichet/core'
import type { FindContext, Finding } from '../finding.ts'
import { fingerprintOf } from './fingerprint.ts'
import { createPositions } from './positions.ts'

/** Every key in a text, in its order; none overlaps another. */
export function findKeys(text: string, _context: FindContext = {}): readonly Finding[] {
  const positions = createPositions(text)
  return [...text.matchAll(/gch_[0-9A-Za-z]{28}/g)]
    .filter(([key]) => isKeyText(key))
    .map(({ 0: key, index }) => ({
      kind: 'virtual-key',
      rule: 'guichet-virtual-key',
      confidence: 'certain',
      encoding: 'plain',
      start: index,
      end: index + key.length,
      ...positions.of(index),
      fingerprint: fingerprintOf(key),
      secret: new Secret(key),
    }))
}
