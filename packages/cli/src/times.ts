import { DAY_MS, GatewayError, HOUR_MS, MINUTE_MS, SECOND_MS } from '@guichet/core'

const UNIT_MS: Readonly<Record<string, number>> = {
  w: 7 * DAY_MS,
  d: DAY_MS,
  h: HOUR_MS,
  m: MINUTE_MS,
  s: SECOND_MS,
}
const LONGEST_MS = 3_650 * DAY_MS

/** `30d`, `12h`, `1d12h`, `90m`; `0` stands for no end. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+)([wdhms])/g)]
  const isWhole = parts.length > 0 && parts.map((part) => part[0]).join('') === text
  const ms = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0)
  if (isWhole && ms > 0 && ms <= LONGEST_MS) return ms
  throw new GatewayError('invalid', `${JSON.stringify(text)} is not a duration`, {
    hint: 'write it as in 30d, 12h, 90m or 1d12h, up to 3650d; 0 is for ever',
  })
}

/** Reads a duration that has an end, `maxMs` at the most. */
export function spanUpTo(maxMs: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text)
    if (ms > 0 && ms <= maxMs) return ms
    throw new GatewayError(
      'invalid',
      `${JSON.stringify(text)} is ${ms === 0 ? 'no time at all' : 'too long'}`,
      {
        hint: `write it as in 12h, 90m or 1d12h, up to ${durationText(maxMs)}`,
      },
    )
  }
}

/** A moment as a person writes it: a day or a time of this machine's zone, with any zone of its own, or a duration from now. */
export function parseMoment(text: string, nowMs: number): number {
  if (/^(?:\d+[wdhms])+$/.test(text)) return nowMs + parseDuration(text)
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?$/.test(text)
  // A day without a time would be taken for one of UTC.
  const ms = isDay || isTime ? Date.parse(isDay ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new GatewayError('invalid', `${JSON.stringify(text)} is not a time`, {
    hint: 'write it as in 2026-12-24, 2026-12-24T18:00, or 2h for two hours from now',
  })
}

/** For people, two units at the most: `2d 3h`, `4m 10s`, `0s`. */
export function durationText(ms: number): string {
  let rest = Math.max(0, Math.round(ms / SECOND_MS)) * SECOND_MS
  const parts: string[] = []
  for (const unit of ['d', 'h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? SECOND_MS
    const count = Math.floor(rest / unitMs)
    rest -= count * unitMs
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0s'
}

/** Local time, to the minute: `2026-11-20 21:05`. */
export function timeText(ms: number): string {
  const time = new Date(ms)
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}
