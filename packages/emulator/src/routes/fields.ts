import type { JsonObject } from '../transport/call.ts'
import { Refusal } from '../transport/reply.ts'

/** A whole number, also as a string of digits; `null` counts as absent (wire.md §1). */
export function numberField(request: JsonObject, name: string): number | undefined {
  const value = request[name]
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number)) return number
  throw new Refusal(`Bad parameter ${name}: an integer is needed`, 400)
}

export function flagField(request: JsonObject, name: string): 0 | 1 | undefined {
  const number = numberField(request, name)
  if (number === undefined || number === 0 || number === 1) return number
  throw new Refusal(`Bad parameter ${name}: 0 or 1 is needed`, 400)
}

export function textField(request: JsonObject, name: string): string | undefined {
  const value = request[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new Refusal(`Bad parameter ${name}: a string is needed`, 400)
}

/** A string that says something: `""` counts as absent. */
export function filledField(request: JsonObject, name: string): string | undefined {
  return textField(request, name) || undefined
}

export function neededText(request: JsonObject, name: string): string {
  return filledField(request, name) ?? missing(name)
}

export function neededNumber(request: JsonObject, name: string): number {
  return numberField(request, name) ?? missing(name)
}

/** The links of a request, as strings; a list that is absent or empty is refused. */
export function neededLinks(request: JsonObject, name: string): string[] {
  const value = request[name]
  if (!Array.isArray(value) || value.length === 0) return missing(name)
  return value.map((link: unknown) => {
    if (typeof link === 'string') return link
    throw new Refusal(`Bad parameter ${name}: an array of strings is needed`, 400)
  })
}

export function neededObjects(request: JsonObject, name: string): JsonObject[] {
  const value = request[name]
  if (!Array.isArray(value) || value.length === 0) return missing(name)
  return value.map((entry: unknown) => objectOf(entry, name))
}

export function objectOf(value: unknown, name: string): JsonObject {
  if (isObject(value)) return value
  throw new Refusal(`Bad parameter ${name}: an object is needed`, 400)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function missing(name: string): never {
  throw new Refusal(`Missing parameter ${name}`, 400)
}
