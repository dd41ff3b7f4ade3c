import { GatewayError, ROOT } from '@guichet/core'
import type { Principal } from './principals.ts'

/**
 * Tells the holder of a confined key why something may not be there for it, and what would show it.
 * What is outside its root and what never was are told of in the same words, so that this gives nothing away.
 */
export function tellRoot(
  principal: Pick<Principal, 'key' | 'name' | 'root' | 'rootPath'>,
  failure: unknown,
): unknown {
  if (!(failure instanceof GatewayError) || failure.code !== 'not-found' || principal.root === ROOT)
    return failure
  const { message, hint, retryAfterMs, facts } = failure
  const reach = `the key "${principal.name}" sees only ${principal.rootPath}: make one with another \`--root\` to see more`
  return new GatewayError('not-found', message, {
    hint: hint === undefined ? reach : `${hint}; ${reach}`,
    retryAfterMs,
    facts: { ...facts, rule: 'root', key: principal.key },
    cause: failure.cause,
  })
}
