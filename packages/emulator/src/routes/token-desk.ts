import { type Random, randomDigits } from '../random.ts'
import type { Readings } from '../readings.ts'

/** One direct link. */
export interface Token {
  readonly id: string
  readonly host: string
  readonly fileId: string
  readonly inline: boolean
  readonly single: boolean
  readonly issuedMs: number
  readonly firstGetMs: number | undefined
  readonly gets: number
}

const TOKENS_KEPT = 100_000
const LOCATION_MS = 300_000

/** Direct links in force, and the address the account downloads from. */
export class TokenDesk {
  readonly #tokens = new Map<string, Token>()
  #location: { readonly ip: string; readonly lastMs: number } | undefined

  issue(grant: Pick<Token, 'host' | 'fileId' | 'inline' | 'single' | 'issuedMs'>, random: Random): Token {
    const token = { ...grant, id: `p${randomDigits(random, 10)}`, firstGetMs: undefined, gets: 0 }
    this.#tokens.set(token.id, token)
    for (const id of this.#tokens.keys()) {
      if (this.#tokens.size <= TOKENS_KEPT) break
      this.#tokens.delete(id)
    }
    return token
  }

  /** The token as long as it may serve, with durations of the service scaled by the caller. */
  live(id: string, nowMs: number, readings: Readings, scaled: (ms: number) => number): Token | undefined {
    const token = this.#tokens.get(id)
    if (!token) return undefined
    const once =
      readings.tokenUse === 'always-single' || (readings.tokenUse === 'single-flag' && token.single)
    if (once && token.gets > 0) return undefined
    const untilMs =
      token.firstGetMs === undefined
        ? token.issuedMs + scaled(readings.tokenStartMs)
        : token.firstGetMs + scaled(readings.tokenResumeMs)
    return nowMs < untilMs ? token : undefined
  }

  noteGet(token: Token, nowMs: number): void {
    const firstGetMs = token.firstGetMs ?? nowMs
    this.#tokens.set(token.id, { ...token, firstGetMs, gets: token.gets + 1 })
  }

  expire(id: string): void {
    this.#tokens.delete(id)
  }

  expireAll(): void {
    this.#tokens.clear()
  }

  /** Whether the account may download from an address now; an account has one location at a time. */
  mayDownloadFrom(ip: string, nowMs: number, scaled: (ms: number) => number): boolean {
    const location = this.#location
    if (location && location.ip !== ip && nowMs - location.lastMs < scaled(LOCATION_MS)) return false
    this.#location = { ip, lastMs: nowMs }
    return true
  }
}
