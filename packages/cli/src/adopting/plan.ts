import { GatewayError, type Secret } from '@guichet/core'
import type { Sighting, Tool } from '@guichet/leaks'
import type { SeenPlace } from './seen-places.ts'

/** One key of an account, and every file that has it. */
export interface FoundKey {
  readonly fingerprint: string
  readonly secret: Secret
  readonly places: readonly SeenPlace[]
}

/** What is to become of one key. */
export interface Plan {
  readonly key: FoundKey
  /** Files in which a virtual key takes its place. */
  readonly changes: readonly PlannedChange[]
  /** What only a person can do. */
  readonly byHand: readonly Handiwork[]
}

export interface PlannedChange {
  readonly seen: SeenPlace
  /** The sightings of this key that can be replaced. */
  readonly sightings: readonly Sighting[]
}

export interface Handiwork {
  readonly path: string
  readonly line: number
  readonly why: string
}

/** The keys that were found, each once; the one with the most mentions first. */
export function keysIn(seen: readonly SeenPlace[]): readonly FoundKey[] {
  const keys = new Map<string, FoundKey>()
  for (const place of seen) {
    for (const { fingerprint, secret } of place.sightings) {
      const known = keys.get(fingerprint) ?? { fingerprint, secret, places: [] }
      const places = known.places.includes(place) ? known.places : [...known.places, place]
      keys.set(fingerprint, { ...known, places })
    }
  }
  const mentions = (key: FoundKey): number => key.places.flatMap((place) => sightingsOf(key, place)).length
  return [...keys.values()].sort((a, b) => mentions(b) - mentions(a))
}

export function sightingsOf(key: FoundKey, place: SeenPlace): readonly Sighting[] {
  return place.sightings.filter(({ fingerprint }) => fingerprint === key.fingerprint)
}

/** `uid`: of the user who asks; `undefined` where the system has no such numbers. */
export function planFor(key: FoundKey, uid: number | undefined): Plan {
  const changes: PlannedChange[] = []
  const byHand: Handiwork[] = []
  for (const seen of key.places) {
    const all = sightingsOf(key, seen)
    const whole = reasonAgainst(seen, uid)
    const able = whole === undefined ? all.filter(({ form }) => form !== 'wrapped') : []
    if (able.length > 0) changes.push({ seen, sightings: able })
    for (const { line } of all.filter((sighting) => !able.includes(sighting)))
      byHand.push({ path: seen.place.path, line, why: whole ?? 'the key is inside another encoding' })
  }
  return { key, changes, byHand }
}

function reasonAgainst({ place, uid: owner, names }: SeenPlace, uid: number | undefined): string | undefined {
  if (place.tool === 'shell history')
    return 'a history is no setting: remove the line, and make a new API key'
  if (names > 1) return 'the file has another name (a hard link), which would keep the key'
  if (uid !== undefined && uid !== 0 && owner !== uid) return 'the file belongs to another user'
  return undefined
}

/**
 * What a tool may do with its virtual key.
 * A downloader reads; rclone does everything that one does with files; nobody knows what a script does, so it may not delete.
 */
export const VERBS_BY_TOOL: Readonly<Record<Tool, string>> = {
  rclone: 'files',
  JDownloader: 'read,account',
  pyLoad: 'read,account',
  'environment file': 'write,account',
  'compose file': 'write,account',
  'shell file': 'write,account',
  'shell history': 'read',
  script: 'write,account',
}

/** How to go on with a tool whose file has a virtual key now. */
export function nextStepOf({ place, sightings }: Pick<SeenPlace, 'place' | 'sightings'>): string {
  switch (place.tool) {
    case 'rclone': {
      const [, remote = 'REMOTE'] = /^the remote "(.*)"$/.exec(sightings[0]?.at ?? '') ?? []
      return `guichet run -- rclone lsf ${remote}:`
    }
    case 'JDownloader':
      return 'start JDownloader again; it needs the gateway as its HTTP proxy, see docs/adopt.md'
    case 'pyLoad':
      return 'start pyLoad again, by `guichet run -- pyload`'
    default:
      return `run what uses ${place.path} by \`guichet run -- COMMAND\`, or give it the address of the gateway instead of https://api.1fichier.com`
  }
}

/** Of several keys, the one whose fingerprint begins so. Throws `invalid` when that is not exactly one. */
export function pickKey(keys: readonly FoundKey[], wanted: string): FoundKey {
  const matching = keys.filter(({ fingerprint }) => fingerprint.startsWith(wanted))
  const [only] = matching
  if (only !== undefined && matching.length === 1 && wanted !== '') return only
  throw new GatewayError(
    'invalid',
    `no single key that was found has the fingerprint ${JSON.stringify(wanted)}`,
    {
      hint: `choose from ${keys.map(({ fingerprint }) => fingerprint).join(', ')}`,
    },
  )
}
