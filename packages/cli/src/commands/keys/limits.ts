import { GatewayError, parseApproval, parseBudgets } from '@guichet/core'
import type { ApiKeyLimits } from '@guichet/sdk'
import type { Command } from 'commander'
import { collect } from '../../command.ts'
import { printable } from '../../print.ts'
import { durationText, parseDuration, parseMoment, timeText } from '../../times.ts'

/** What a person may say about when, from where and how often a key is good. */
export interface LimitOptions {
  readonly notBefore?: string
  readonly idle?: number
  readonly uses?: number
  readonly from?: readonly string[]
  readonly notFrom?: readonly string[]
  readonly mayIssue?: boolean
  readonly budget?: readonly string[]
  readonly approveDeletesOver?: readonly string[]
}

export function addLimitOptions(command: Command): Command {
  return command
    .option('--not-before <time>', 'good from then on: 2026-12-24, 2026-12-24T18:00, or 2h from now')
    .option('--idle <duration>', 'ends for good when unused for so long', parseDuration)
    .option('--uses <number>', 'so many requests and no more', parseUses)
    .option('--from <addresses>', 'only from these addresses or blocks, parted by commas', parseList)
    .option('--not-from <addresses>', 'not from these', parseList)
    .option('--may-issue', 'its holder may make narrower keys')
    .option('--budget <budget>', 'what it may use up, as in deletes=100/day; may be repeated', collect)
    .option(
      '--approve-deletes-over <amount>',
      'ask a person when it deletes more than so many files (100) or so much (10GB) a day; may be repeated',
      collect,
    )
}

export function limitsOf(options: LimitOptions, nowMs: number): ApiKeyLimits {
  const { notBefore, idle, uses, from, notFrom, mayIssue, budget, approveDeletesOver } = options
  return {
    ...(notBefore !== undefined && { notBeforeMs: parseMoment(notBefore, nowMs) }),
    ...(idle !== undefined && idle > 0 && { idleMs: idle }),
    ...(uses !== undefined && { uses }),
    ...(from !== undefined && { from }),
    ...(notFrom !== undefined && { notFrom }),
    ...(mayIssue === true && { mayIssue }),
    ...(budget !== undefined && { budgets: parseBudgets(budget) }),
    ...(approveDeletesOver !== undefined && { approval: parseApproval(approveDeletesOver) }),
  }
}

/** The limits of a key for a person, a row each. */
export function limitRows(limits: ApiKeyLimits, used: number): readonly (readonly string[])[] {
  const { notBeforeMs, idleMs, uses, from, notFrom, mayIssue } = limits
  return [
    ...(notBeforeMs === undefined ? [] : [['good from', timeText(notBeforeMs)]]),
    ...(idleMs === undefined ? [] : [['idle end', `unused for ${durationText(idleMs)}`]]),
    ...(uses === undefined ? [] : [['uses', `${used} of ${uses}`]]),
    ...(from === undefined ? [] : [['from', printable(from.join(', '))]]),
    ...(notFrom === undefined ? [] : [['not from', printable(notFrom.join(', '))]]),
    ...(mayIssue === true ? [['may issue', 'narrower keys']] : []),
  ]
}

export function parseUses(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new GatewayError('invalid', `${JSON.stringify(text)} is not a number of uses`, {
    hint: 'write a whole number from 1 on',
  })
}

/** `a,b, c`; whether they are addresses is for the gateway to say. */
export function parseList(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim())
  if (words.every((word) => word !== '')) return words
  throw new GatewayError('invalid', `${JSON.stringify(text)} has an empty place in it`, {
    hint: 'write addresses with one comma between them: 192.168.1.0/24,2001:db8::1',
  })
}
