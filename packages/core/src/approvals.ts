import { parseBytes } from './budgets.ts'
import { GatewayError } from './errors.ts'
import type { KeyId } from './ids.ts'

/**
 * So many files and folders, or so many bytes, a key may destroy in a day (in UTC) without anybody being asked; for what
 * goes beyond, it waits for a person. What is absent is not counted.
 */
export interface ApprovalRule {
  readonly overFiles?: number | undefined
  readonly overBytes?: number | undefined
}

/** Without an answer for so long, it is no. */
export const APPROVAL_TIMEOUT_MINUTES = 10

/** What a key wants to destroy, and waits to be allowed. */
export interface ApprovalRequest {
  /** `a-xxxxxx.N`; N grows with what is asked for, so that nobody says yes to more than was shown. */
  readonly id: string
  readonly key: KeyId | 'owner'
  readonly keyName: string
  readonly files: number
  readonly folders: number
  readonly bytes: number
  /** The first of them, by path. */
  readonly examples: readonly string[]
  readonly askedMs: number
  /** From then on it is no. */
  readonly untilMs: number
  /** Does the client wait for the answer? If not, it has to ask again after a yes. */
  readonly isWaiting: boolean
}

/** `100` files, `10GB`, or one of each; all problems at once. */
export function parseApproval(texts: readonly string[]): ApprovalRule {
  const problems: string[] = []
  let rule: ApprovalRule = {}
  for (const text of texts) {
    const overFiles = /^\d{1,15}$/.test(text) ? Number(text) : undefined
    const overBytes = overFiles === undefined ? parseBytes(text) : undefined
    if (overFiles === undefined && overBytes === undefined) {
      problems.push(`${JSON.stringify(text.slice(0, 60))} is neither a number of files nor a size`)
    } else if ((overFiles !== undefined ? rule.overFiles : rule.overBytes) !== undefined) {
      problems.push(
        `${JSON.stringify(text)} is a second ${overFiles !== undefined ? 'number of files' : 'size'}`,
      )
    } else {
      rule = { ...rule, ...(overFiles !== undefined ? { overFiles } : { overBytes }) }
    }
  }
  if (problems.length === 0) return rule
  throw new GatewayError('invalid', `not a threshold: ${problems.join('; ')}`, {
    hint: 'write a number of files, as in 100, or a size, as in 10GB',
  })
}
