import type { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { type GatewayError, hintsOf } from '@guichet/core'
import type { Concealer } from '@guichet/leaks'
import colors from 'picocolors'
import { durationText } from './times.ts'

/** Results go to the output, everything about them to the errors. */
export interface Printer {
  readonly isJson: boolean
  readonly isQuiet: boolean
  /** A line of the result. */
  line(text?: string): void
  /** The result for programs. */
  json(value: unknown): void
  /** The result: `value` with --json, else what `human` prints. */
  result(value: unknown, human: () => void): void
  /** About the work, for a person: left out with --quiet. */
  note(text: string): void
  warning(text: string, hint?: string): void
  failure(error: GatewayError): void
  readonly style: ReturnType<typeof colors.createColors>
}

export interface PrintOptions {
  readonly output: Writable & { readonly isTTY?: boolean }
  readonly errors: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** The last filter: no secret that is known leaves on the output, and no virtual key at all on the errors. */
  readonly secrets: Concealer
  readonly isJson: boolean
  readonly isQuiet: boolean
}

export function createPrinter(options: PrintOptions): Printer {
  const { output, errors, env, secrets, isJson, isQuiet } = options
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const style = colors.createColors(!plain && output.isTTY === true)
  const errorStyle = colors.createColors(!plain && errors.isTTY === true)
  const tell = (text: string): void => {
    errors.write(`${secrets.hide(text)}\n`)
  }
  const json = (value: unknown): void => {
    output.write(
      `${secrets.hideLearned(JSON.stringify(value, null, output.isTTY === true ? 2 : undefined))}\n`,
    )
  }
  const hint = (text: string): void => tell(`${errorStyle.cyan('hint:')} ${printable(text)}`)
  return {
    isJson,
    isQuiet,
    style,
    line: (text = '') => {
      output.write(`${secrets.hideLearned(text)}\n`)
    },
    json,
    result(value, human) {
      if (isJson) json(value)
      else human()
    },
    note: (text) => {
      if (!isQuiet) tell(text)
    },
    warning(text, next) {
      tell(`${errorStyle.yellow('warning:')} ${printable(text)}`)
      if (next !== undefined) hint(next)
    },
    failure(error) {
      tell(`${errorStyle.red('error:')} ${printable(error.message)}`)
      const { retryAfterMs } = error
      if (retryAfterMs !== undefined && retryAfterMs > 0) hint(`try again in ${durationText(retryAfterMs)}`)
      for (const next of hintsOf(error)) hint(next)
    },
  }
}

/** Names come from other people: nothing in them may steer the terminal. Line breaks of our own messages stay. */
export function printable(text: string): string {
  const stripped = stripVTControlCharacters(text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripped.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}

/** Rows with aligned columns; a column named in `right` is aligned to the right. */
export function table(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, [...cell].length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - [...cell].length)
        return right.includes(column) ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd(),
  )
}

export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
