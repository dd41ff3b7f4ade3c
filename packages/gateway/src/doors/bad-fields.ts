import { GatewayError } from '@guichet/core'
import { ZodError } from 'zod'

/** More than these do not help to mend a request. */
const PROBLEMS_MAX = 10

/** All problems of a request's fields at once, as one error; anything else as it is. */
export function fromFields(failure: unknown): unknown {
  if (!(failure instanceof ZodError)) return failure
  const problems = failure.issues
    .slice(0, PROBLEMS_MAX)
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
  const more = failure.issues.length - problems.length
  if (more > 0) problems.push(`and ${more} more`)
  return new GatewayError('invalid', problems.join('; '), {
    hint: 'send the fields and types that the documentation names',
  })
}
