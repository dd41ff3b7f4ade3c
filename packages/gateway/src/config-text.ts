import { readFileSync } from 'node:fs'
import { systemCodeOf } from '@guichet/core'
import type { z } from 'zod'

export function readText(name: string, what: string, problems: string[]): string | undefined {
  try {
    return readFileSync(name, 'utf8')
  } catch (failure) {
    problems.push(`${what}: ${name} cannot be read (${systemCodeOf(failure) ?? 'unknown reason'})`)
    return undefined
  }
}

export function parseJson<T>(
  text: string,
  shape: z.ZodType<T>,
  what: string,
  problems: string[],
): T | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    problems.push(`${what}: is not JSON`)
    return undefined
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues)
    problems.push(`${what}: ${issue.path.join('.') || 'the file'}: ${issue.message}`)
  return undefined
}
