import { hideCredentials } from '@guichet/leaks'
import { type DestinationStream, destination, pino } from 'pino'
import { type LogFacts, listedFacts } from './log-fields.ts'

/** Facts first, then a sentence. Never a secret, never a whole body. */
export interface Log {
  debug(facts: LogFacts, message: string): void
  info(facts: LogFacts, message: string): void
  warn(facts: LogFacts, message: string): void
  error(facts: LogFacts, message: string): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * One JSON object a line, on standard error: listed fields only, and every line passes `scrub` as the last thing before
 * it is written.
 */
export function createLog(level: LogLevel, to: DestinationStream = destination({ fd: 2, sync: true })): Log {
  return pino({ level, base: null, formatters: { log: listedFacts }, hooks: { streamWrite: scrub } }, to)
}

/**
 * Blanks everything that has the shape of a key, whatever field it stands in and however it is written: virtual keys
 * by their prefix, any credential behind `Bearer`, `Basic` or `api_key=`, and what looks like an API key.
 */
export function scrub(line: string): string {
  return hideCredentials(line)
}
