import { GatewayError } from '@guichet/core'

const PASS_LENGTH_MIN = 6

/** A password that 1fichier takes for a file or a public folder; `''` takes it away (wire.md §4.9, §5.5). */
export function parsePass(pass: string | undefined): string | undefined {
  if (pass === undefined || pass === '' || pass.length >= PASS_LENGTH_MIN) return pass
  throw new GatewayError('invalid', `a password needs at least ${PASS_LENGTH_MIN} characters`, {
    hint: 'choose a longer one; an empty one takes the password away',
  })
}
