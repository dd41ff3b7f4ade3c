import { type FileEntry, GatewayError } from '@guichet/core'
import { parseFrenchTime } from '@guichet/fichier'

/** Limits by date as clients write them: French local time. */
export interface DateWish {
  readonly sent_after?: string | undefined
  readonly sent_before?: string | undefined
}

/** Is a file between the two? Rejects dates that do not exist. */
export function inWindow(wish: DateWish): (file: Pick<FileEntry, 'dateMs'>) => boolean {
  const afterMs = parseMoment(wish.sent_after)
  const beforeMs = parseMoment(wish.sent_before)
  return (file) =>
    (afterMs === undefined || file.dateMs >= afterMs) && (beforeMs === undefined || file.dateMs <= beforeMs)
}

function parseMoment(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  try {
    return parseFrenchTime(value)
  } catch (cause) {
    throw new GatewayError('invalid', `${JSON.stringify(value.slice(0, 40))} is not a date`, {
      hint: 'write YYYY-MM-DD HH:MM:SS, French local time',
      cause,
    })
  }
}
