import { setTimeout as wait } from 'node:timers/promises'

const LOOK_EVERY_MS = 20

/** Looks again and again until there is something; rejects when there is nothing for so long. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  for (const startedMs = Date.now(); Date.now() - startedMs < timeoutMs; await wait(LOOK_EVERY_MS)) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
}
