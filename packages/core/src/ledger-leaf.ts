import type { NumberedEntry } from './ledger.ts'

/**
 * The bytes of an entry that its hash is made of: the UTF-8 of one JSON array without white space,
 *
 *   ["guichet-ledger",1,sequence,atMs,requestId,key,door,verb,target,decision,reason]
 *
 * written as ECMAScript's `JSON.stringify` does: numbers are integers in decimal, and in texts only `"`, `\` and control
 * characters are escaped. A lone surrogate counts as U+FFFD, which is what a database keeps of it.
 */
export function leafBytes(entry: NumberedEntry): Uint8Array {
  const { sequence, atMs, requestId, key, door, verb, target, decision, reason } = entry
  const fields = [FORMAT, VERSION, sequence, atMs, requestId, key, door, verb, target, decision, reason]
  const text = JSON.stringify(
    fields.map((field) => (typeof field === 'string' ? field.toWellFormed() : field)),
  )
  return encoder.encode(text)
}

const FORMAT = 'guichet-ledger'
const VERSION = 1
const encoder = new TextEncoder()
