import { CallCounts } from './counts.ts'
import { Limits } from './limits.ts'
import type { Scheduler, SchedulerOptions } from './scheduler.ts'
import { WaitingScheduler } from './waiting.ts'

export async function openScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { clock, store, facts } = options
  const limits = new Limits(options, await store.load(), clock.nowMs())
  return new WaitingScheduler(options, limits, await CallCounts.load(facts, clock))
}
