import { randomUUID } from 'node:crypto'
import type { Readings } from './readings.ts'
import { type RemoteSource, syntheticSource } from './routes/remote-desk.ts'
import { INITIAL_RULES, type RuleSettings } from './rules/police.ts'
import { systemTimers, type Timers } from './timers.ts'

/** Everything has a default: `startEmulator()` is a premium account without rules, on free ports, in a temporary folder. */
export interface EmulatorOptions {
  readonly host?: string
  /** 0 for a free one. */
  readonly port?: number
  readonly controlPort?: number
  /** Kept, and read again by the next run. A temporary folder that is removed at the end when not given. */
  readonly dataDir?: string
  readonly apiKey?: string
  readonly email?: string
  readonly password?: string
  readonly offer?: 0 | 1 | 2 | 3
  readonly rules?: RuleSettings['level']
  readonly toleranceMs?: number
  readonly lockMs?: number
  readonly lockProlongs?: boolean
  readonly lockReach?: RuleSettings['lockReach']
  readonly timeScale?: number
  readonly readings?: Partial<Readings>
  /** `hash-only` keeps no uploaded bytes, only size and Whirlpool. */
  readonly storeContent?: 'disk' | 'hash-only'
  /** Seeds whose synthetic content is recognised in uploads with `hash-only`; those of seeded files always are. */
  readonly syntheticSeeds?: readonly string[]
  /** What remote uploads find at their addresses. */
  readonly remoteSource?: RemoteSource
  readonly timers?: Timers
  /** Makes keys, ids and orders the same in each run. */
  readonly seed?: string
}

export type FilledOptions = Omit<Required<EmulatorOptions>, 'dataDir' | 'apiKey'> &
  Pick<EmulatorOptions, 'dataDir' | 'apiKey'>

export function filledOptions(options: EmulatorOptions): FilledOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    controlPort: 0,
    email: 'owner@example.com',
    password: 'password',
    offer: 1,
    rules: INITIAL_RULES.level,
    toleranceMs: INITIAL_RULES.toleranceMs,
    lockMs: INITIAL_RULES.lockMs,
    lockProlongs: INITIAL_RULES.lockProlongs,
    lockReach: INITIAL_RULES.lockReach,
    timeScale: INITIAL_RULES.timeScale,
    readings: {},
    storeContent: 'disk',
    syntheticSeeds: [],
    remoteSource: syntheticSource,
    timers: systemTimers(),
    seed: randomUUID(),
    ...options,
  }
}

export function ruleSettings(options: FilledOptions): RuleSettings {
  const { rules, toleranceMs, lockMs, lockProlongs, lockReach, timeScale } = options
  return { ...INITIAL_RULES, level: rules, toleranceMs, lockMs, lockProlongs, lockReach, timeScale }
}
