const HOUR_MS = 3_600_000

/** `YYYY-MM-DD HH:MM:SS` in French local time, without zone (wire.md §1). */
export function frenchTime(epochMs: number): string {
  const local = new Date(epochMs + frenchOffsetMs(epochMs))
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** The moment a French local time means, or undefined for anything that is not such a time. */
export function parseFrenchTime(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) return undefined
  const asIfUtc = Date.parse(`${text.replace(' ', 'T')}Z`)
  if (Number.isNaN(asIfUtc)) return undefined
  return asIfUtc - frenchOffsetMs(asIfUtc - HOUR_MS)
}

/** Summer time runs from the last Sunday of March to the last Sunday of October, both at 01:00 UTC. */
function frenchOffsetMs(epochMs: number): number {
  const year = new Date(epochMs).getUTCFullYear()
  const summer = epochMs >= lastSunday(year, 2) && epochMs < lastSunday(year, 9)
  return summer ? 2 * HOUR_MS : HOUR_MS
}

function lastSunday(year: number, month: number): number {
  const lastDay = new Date(Date.UTC(year, month + 1, 0))
  return Date.UTC(year, month, lastDay.getUTCDate() - lastDay.getUTCDay(), 1)
}
