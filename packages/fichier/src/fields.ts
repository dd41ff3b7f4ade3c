import { type FileLink, type FolderId, findFileLink, GatewayError } from '@guichet/core'
import { parseFrenchTime } from './french-time.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * One JSON object of an answer, read with tolerance for types and none for gaps.
 *
 * A number may come as its digits and a flag as 0, 1, "0", "1", true or false (wire.md §15.4, §15.6).
 * `null` counts as absent. A field that a caller cannot do without and that is absent, or that has a type nobody has
 * seen, is `upstream-changed`, naming the call and the field.
 */
export class Fields {
  readonly #values: JsonObject
  readonly #place: string

  constructor(values: JsonObject, place: string) {
    this.#values = values
    this.#place = place
  }

  get raw(): JsonObject {
    return this.#values
  }

  /** The value under the first of these names that is there and not `null`. */
  find(...names: readonly string[]): unknown {
    for (const name of names) {
      const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }

  text(name: string): string {
    return this.findText(name) ?? this.#missing(name)
  }

  findText(...names: readonly string[]): string | undefined {
    const value = this.find(...names)
    if (value === undefined || typeof value === 'string') return value
    if (typeof value === 'number') return String(value)
    return this.#odd(names[0], 'a text')
  }

  /** What is meant for people to read, or nothing: no call fails for an odd remark. */
  words(name: string): string {
    const value = this.find(name)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    return this.findCount(name) ?? this.#missing(name)
  }

  findCount(name: string): number | undefined {
    const number = this.findNumber(name)
    if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) return number
    return this.#odd(name, 'a whole number')
  }

  findNumber(name: string): number | undefined {
    const value = this.find(name)
    if (value === undefined || value === '') return undefined
    const number =
      typeof value === 'string' && /^[+-]?\d{1,18}(?:\.\d{1,18})?$/.test(value) ? Number(value) : value
    return typeof number === 'number' ? number : this.#odd(name, 'a number')
  }

  findFolder(name: string): FolderId | undefined {
    return this.findCount(name) as FolderId | undefined
  }

  /** Absent and empty are no. */
  flag(name: string): boolean {
    const value = this.find(name)
    if (typeof value === 'boolean') return value
    return (this.findNumber(name) ?? 0) !== 0
  }

  /** Absent when 1fichier says "never" (wire.md §15.11). */
  findMoment(name: string): number | undefined {
    const text = this.findText(name)
    return text === undefined ? undefined : parseFrenchTime(text, `${this.#place}: ${JSON.stringify(name)}`)
  }

  link(name: string): FileLink {
    const text = this.text(name)
    return findFileLink(text) ?? this.#odd(name, 'a link to a file')
  }

  findObject(name: string): Fields | undefined {
    const value = this.find(name)
    if (value === undefined) return undefined
    return isRecord(value) ? new Fields(value, `${this.#place} ${name}`) : this.#odd(name, 'an object')
  }

  /** Absent is empty: nobody has seen how 1fichier writes an empty list (wire.md §15, unknown 7). */
  objects(name: string): readonly Fields[] {
    return this.#list(name).map((item, index) => {
      const place = `${this.#place} ${name}[${index}]`
      return isRecord(item) ? new Fields(item, place) : this.#odd(`${name}[${index}]`, 'an object')
    })
  }

  texts(name: string): readonly string[] {
    const value = this.find(name)
    const list = typeof value === 'string' ? [value].filter((text) => text !== '') : this.#list(name)
    return list.map((item, index) =>
      typeof item === 'string' ? item : this.#odd(`${name}[${index}]`, 'a text'),
    )
  }

  /** As `texts`, but there must be a list. */
  links(name: string): readonly FileLink[] {
    if (this.find(name) === undefined) return this.#missing(name)
    return this.texts(name).map((text) => findFileLink(text) ?? this.#odd(name, 'a list of links'))
  }

  /** The answer does not fit what was asked. */
  refuse(problem: string): never {
    throw changed(`${this.#place}: ${problem}`)
  }

  #list(name: string): readonly unknown[] {
    const value = this.find(name)
    if (value === undefined || value === '') return []
    return Array.isArray(value) ? value : this.#odd(name, 'a list')
  }

  #missing(name: string): never {
    throw changed(`${this.#place} lacks ${JSON.stringify(name)}`, name)
  }

  #odd(name: string | undefined, wanted: string): never {
    throw changed(`${this.#place}: ${JSON.stringify(name)} is not ${wanted}`, name)
  }
}

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** 1fichier answered in a way that this version does not know. */
export function changed(
  message: string,
  field?: string,
  facts: Readonly<Record<string, string | number | boolean>> = {},
): GatewayError {
  return new GatewayError('upstream-changed', message, {
    hint: 'look whether a newer version of Guichet knows this; if not, please report it',
    facts: field === undefined ? facts : { ...facts, field },
  })
}
