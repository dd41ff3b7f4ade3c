import { findKeys } from '../detect/find-keys.ts'
import { HARMLESS } from './harmless.testing.ts'
import { API_KEY_PLACES, type Leaked, VIRTUAL_KEY_PLACES } from './leaked.testing.ts'
import { type Draw, drawFrom } from './random.testing.ts'

export interface Sample {
  readonly family: string
  readonly text: string
  readonly path: string | undefined
  /** The key that is in it; absent: nothing may be found. */
  readonly key: string | undefined
  readonly also?: readonly string[]
}

export interface Measured {
  readonly keys: number
  readonly harmless: number
  readonly found: number
  readonly missed: number
  readonly wrong: number
  /** The share of the keys that are found, and of the findings that are keys. */
  readonly recall: number
  readonly precision: number
  /** Samples that went wrong, for a person. */
  readonly failures: readonly Sample[]
}

/** `each` samples of every family. A leaked key is put between harmless texts in every third sample. */
export function createCorpus(seed: number, each: number): readonly Sample[] {
  const draw = drawFrom(seed)
  const samples: Sample[] = []
  for (let round = 0; round < each; round += 1) {
    for (const [family, place] of Object.entries(API_KEY_PLACES))
      samples.push(leaked(draw, `key: ${family}`, place, draw.apiKey(), round))
    for (const [family, place] of Object.entries(VIRTUAL_KEY_PLACES))
      samples.push(leaked(draw, `virtual key: ${family}`, place, draw.virtualKey(), round))
    for (const [family, place] of Object.entries(HARMLESS)) {
      const made = asLeaked(place(draw))
      samples.push({ family, text: made.text, path: made.path, key: undefined })
    }
  }
  return samples
}

/** Beside a mention of 1fichier a person would take them for its keys, too. */
const LONELY = 'other API keys, no 1fichier'

function leaked(
  draw: Draw,
  family: string,
  place: (key: string, draw: Draw) => string | Leaked,
  key: string,
  round: number,
): Sample {
  const made = asLeaked(place(key, draw))
  if (round % 3 !== 0 || made.path !== undefined) return { family, ...made, path: made.path, key }
  const others = Object.entries(HARMLESS).flatMap(([name, one]) => (name === LONELY ? [] : [one]))
  const around = (): string => asLeaked((others[draw.upTo(others.length)] ?? (() => ''))(draw)).text
  return { family, ...made, text: `${around()}\n\n${made.text}\n\n${around()}\n`, path: made.path, key }
}

export function measure(samples: readonly Sample[]): Measured {
  let found = 0
  let missed = 0
  let wrong = 0
  const failures: Sample[] = []
  for (const sample of samples) {
    const findings = findKeys(sample.text, { path: sample.path })
    const right = findings.filter(({ secret }) => secret.expose() === sample.key).length
    if (right > 0) found += 1
    else if (sample.key !== undefined) missed += 1
    const others = findings.filter(({ secret }) => sample.also?.includes(secret.expose())).length
    wrong += findings.length - right - others
    if (findings.length > right + others || (sample.key !== undefined && right === 0)) failures.push(sample)
  }
  const keys = found + missed
  return {
    keys,
    harmless: samples.length - keys,
    found,
    missed,
    wrong,
    recall: found / keys,
    precision: found / (found + wrong),
    failures,
  }
}

function asLeaked(made: string | Leaked): Leaked {
  return typeof made === 'string' ? { text: made } : made
}
