import { GatewayError } from '@guichet/core'
import { ZodError } from 'zod'

/** All problems of a request's fields at once, as one error; anything else as it is. */
export function fromFields(failure: unknown): unknown {
  if (!(failure instanceof ZodError)) return failure
  const problems = failure.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
  return new GatewayError('invalid', problems.join('; '), {
    hint: 'send the fields and types that the documentation names',
  })
}
