import { GatewayError, HOUR_MS, SECOND_MS } from '@guichet/core'

/**
 * 1fichier writes French local time without a zone: UTC+1 in winter, UTC+2 in summer (wire.md §1).
 * Summer time begins and ends at 01:00 UTC on the last Sunday of March and of October, as in the whole European Union
 * since 1996; 1fichier has no file older than that.
 */
const FORM = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/
const WINTER_MS = HOUR_MS
const SUMMER_MS: number = 2 * HOUR_MS

/**
 * The moment behind `YYYY-MM-DD HH:MM:SS`; `undefined` for what stands for "never": empty, 1970-01-01, year 0000.
 *
 * The hour that autumn repeats is read as its second pass, in winter time, so that nothing is taken for older than it
 * is: whoever looks for what was just sent would else pass it over. The hour that spring skips is read as if winter
 * time went on. Anything else, 2021-02-30 included, is `upstream-changed`.
 */
export function parseFrenchTime(text: string, place = 'a date of 1fichier'): number | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.startsWith('1970-01-01') || trimmed.startsWith('0000-')) return undefined
  const localMs = localMsOf(trimmed)
  if (localMs === undefined) {
    throw new GatewayError(
      'upstream-changed',
      `${place} is ${JSON.stringify(text.slice(0, 40))}, which is no moment`,
      {
        hint: 'moments are written YYYY-MM-DD HH:MM:SS; if 1fichier sent this, please report it',
      },
    )
  }
  const winterMs = localMs - WINTER_MS
  const summerMs = localMs - SUMMER_MS
  const isSummer = offsetMsAt(winterMs) === SUMMER_MS && offsetMsAt(summerMs) === SUMMER_MS
  return isSummer ? summerMs : winterMs
}

/** A moment as 1fichier writes it, cut to the second. */
export function frenchTime(ms: number): string {
  const local = new Date(ms + offsetMsAt(ms)).toISOString()
  return `${local.slice(0, 10)} ${local.slice(11, 19)}`
}

/** A French time that lies before all that happened from the moment on, whichever pass of the repeated hour it is read as. */
export function frenchFloor(ms: number): string {
  const endMs = firstPassEndMs(ms)
  return frenchTime(ms >= endMs - HOUR_MS && ms < endMs ? endMs - HOUR_MS - SECOND_MS : ms)
}

/** A French time that lies behind all that happened up to the moment, whichever pass of the repeated hour it is read as. */
export function frenchCeiling(ms: number): string {
  const wholeMs = Math.ceil(ms / SECOND_MS) * SECOND_MS
  const endMs = firstPassEndMs(wholeMs)
  return frenchTime(wholeMs >= endMs && wholeMs < endMs + HOUR_MS ? endMs + HOUR_MS : wholeMs)
}

/** The text as if it were UTC, when there is such a day and time. */
function localMsOf(text: string): number | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  if (year < 1970) return undefined
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  // Date.UTC carries an impossible day over into the next month: only a date that exists comes back the same.
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ') === text ? ms : undefined
}

function offsetMsAt(ms: number): number {
  const beginMs = changeMs(new Date(ms).getUTCFullYear(), 2)
  return ms >= beginMs && ms < firstPassEndMs(ms) ? SUMMER_MS : WINTER_MS
}

/** When summer time ends in the year of a moment: the hour before and the hour after have the same French times. */
function firstPassEndMs(ms: number): number {
  return changeMs(new Date(ms).getUTCFullYear(), 9)
}

/** 01:00 UTC on the last Sunday of a month of 31 days; `month` counts from 0. */
function changeMs(year: number, month: number): number {
  const weekday = new Date(Date.UTC(year, month, 31)).getUTCDay()
  return Date.UTC(year, month, 31 - weekday, 1)
}
