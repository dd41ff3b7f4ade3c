import { type DestinationStream, destination, pino } from 'pino'
import { hideKeys } from './services/hidden-keys.ts'

/** Facts first, then a sentence. Never a secret, never a whole body. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One JSON object a line, on standard error; every line passes `scrub` as the last thing before it is written. */
export function createLog(level: LogLevel, to: DestinationStream = destination({ fd: 2, sync: true })): Log {
  return pino({ level, base: null, hooks: { streamWrite: scrub } }, to)
}

/**
 * Blanks everything that has the shape of a key, whatever field it stands in: virtual keys by their prefix,
 * any credential behind `Bearer` or `Basic`, and what looks like an API key (`hideKeys`).
 */
export function scrub(line: string): string {
  return hideKeys(line).replace(/\b(Bearer|Basic)\s+[A-Za-z0-9+/\-_=.]{8,}/gi, '$1 [secret]')
}
