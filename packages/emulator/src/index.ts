/**
 * @guichet/emulator: an independent, complete 1fichier on loopback.
 * It shares no code with any client, so that both cannot be wrong in the same way.
 */
export { syntheticBytes, syntheticRange } from './content/synthetic.ts'
export { whirlpoolOf } from './content/whirlpool.ts'
export type { KeySighting, Snapshot } from './counters.ts'
export { type Emulator, startEmulator } from './emulator.ts'
export {
  FAULT_KINDS,
  type FaultKind,
  type FaultSpec,
  type QueuedFault,
  type RefusalName,
} from './faults/faults.ts'
export type { EmulatorOptions } from './options.ts'
export { READINGS, type Reading, type Readings } from './readings.ts'
export type { RemoteSource } from './routes/remote-desk.ts'
export type { Lock, RuleSettings } from './rules/police.ts'
export { type LockScope, RULES, type Rule, type RuleId } from './rules/rules.ts'
export type { Limit } from './rules/windows.ts'
export type {
  ForeignOptions,
  ForestOptions,
  SeedableAccount,
  SeenFile,
  SeenFolder,
  SyntheticOptions,
} from './state/seed.ts'
export { type ManualTimers, manualTimers, systemTimers, type Timers } from './timers.ts'
