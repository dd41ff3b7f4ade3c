import type { Transform } from 'node:stream'
import { KEY_PREFIX } from '@guichet/core'
import { type Characters, literal, machinesFor, type State } from './machine.ts'
import { createMasker, maskingStream, type Needles, needlesOf, slotOf } from './masker.ts'

/** Hides the secrets that it has learned, and every virtual key, in each way they can be written down. */
export interface Concealer {
  /** From now on this text is hidden. One of less than 8 characters is not: it would be found in everything. */
  learn(secret: string): void
  hide(text: string): string
  /** Hides what was learned and no other key: for output that may show a key on purpose. */
  hideLearned(text: string): string
  /** Hides in a stream of bytes, wherever its chunks are cut; what is learned later it does not know. */
  stream(): Transform
}

const SHORTEST = 8

export function createConcealer(secrets: readonly string[] = [], mask = '[secret]'): Concealer {
  const learned = new Set<string>()
  let machines: readonly State[] = []
  let ofLearned: Needles = needlesOf([])
  let everything: Needles | undefined
  const ofAll = (): Needles => {
    everything ??= machines.length === 0 ? virtualKeys() : needlesOf([...machines, ...virtualKeys().roots])
    return everything
  }
  const concealer: Concealer = {
    learn(secret) {
      if (secret.length < SHORTEST || learned.has(secret)) return
      learned.add(secret)
      machines = [...machines, ...machinesFor(literal(secret))]
      ofLearned = needlesOf(machines)
      everything = undefined
    },
    hide: (text) =>
      mayBegin(text, BEGINNINGS) || mayBegin(text, ofLearned) ? maskText(text, ofAll(), mask) : text,
    hideLearned: (text) => (learned.size === 0 ? text : maskText(text, ofLearned, mask)),
    stream: () => maskingStream(createMasker(ofAll(), mask)),
  }
  for (const secret of secrets) concealer.learn(secret)
  return concealer
}

/** Virtual keys by their prefix, in every writing. For texts in which long names must stay as they are. */
export function hideVirtualKeys(text: string): string {
  return mayBegin(text, BEGINNINGS) ? maskText(text, virtualKeys(), `${KEY_PREFIX}[secret]`) : text
}

function maskText(text: string, needles: Needles, mask: string): string {
  if (!mayBegin(text, needles)) return text
  const masker = createMasker(needles, mask)
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString()
}

/** Most texts hold nothing that even begins like a key. */
function mayBegin(text: string, { starts }: Needles): boolean {
  let first = text.charCodeAt(0)
  let second = text.charCodeAt(1)
  for (let at = 2; at < text.length; at += 1) {
    const third = text.charCodeAt(at)
    // Only what was learned may hold such characters; their bytes decide.
    if (third >= 0x80) return true
    if (starts[slotOf(first, second, third)] === 1) return true
    first = second
    second = third
  }
  return first >= 0x80 || second >= 0x80
}

const ALNUM: Characters = [...Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789')]
const RANDOM_LENGTH = 28

/** How virtual keys begin, in each writing. */
const BEGINNINGS: Needles = needlesOf(machinesFor(literal(KEY_PREFIX)))

let wholeKeys: Needles | undefined

/**
 * Anything with the prefix and the length: a wrong checksum may be a slip of somebody who copied a key.
 * Made for the first text that begins so: it takes megabytes, and most programs never meet one.
 */
function virtualKeys(): Needles {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALNUM)
  wholeKeys ??= needlesOf(machinesFor([...literal(KEY_PREFIX), ...random]))
  return wholeKeys
}
