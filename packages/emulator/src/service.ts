import type { Counters } from './counters.ts'
import type { FaultQueue } from './faults/faults.ts'
import type { Random } from './random.ts'
import type { Readings } from './readings.ts'
import type { RemoteDesk } from './routes/remote-desk.ts'
import type { TokenDesk } from './routes/token-desk.ts'
import type { Police } from './rules/police.ts'
import type { Account } from './state/account.ts'
import type { Timers } from './timers.ts'

/** Everything a route may use. */
export interface Service {
  readonly account: Account
  readonly tokens: TokenDesk
  readonly remote: RemoteDesk
  readonly police: Police
  readonly faults: FaultQueue
  readonly counters: Counters
  readonly timers: Timers
  readonly random: Random
  readonly readings: () => Readings
  /** When a file was last scanned for viruses. */
  readonly scans: Map<string, number>
}
