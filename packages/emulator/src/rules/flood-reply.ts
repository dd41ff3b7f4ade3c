import type { Service } from '../service.ts'
import { type Reply, refusal } from '../transport/reply.ts'
import type { Lock } from './police.ts'

/** The answer during a lock, with the status and headers that the readings give it. */
export function floodReply(service: Service, { message, untilMs }: Pick<Lock, 'message' | 'untilMs'>): Reply {
  const { floodStatus, retryAfter } = service.readings()
  const seconds = Math.max(1, Math.ceil((untilMs - service.timers.nowMs()) / 1000))
  return refusal(message, floodStatus, retryAfter === 'present' ? { 'Retry-After': String(seconds) } : {})
}
