import { findKeys } from '../detect/find-keys.ts'
import type { Encoding } from '../finding.ts'
import { type Format, PLAIN, type Sighting } from './place.ts'

/** Environment and compose files, scripts, histories: wherever a key is told by what stands around it. */
export const PLAIN_TEXT: Format = {
  ...PLAIN,
  find: (text, path) =>
    findKeys(text, { path })
      .filter(({ kind }) => kind === 'api-key')
      .map(
        ({ start, end, line, encoding, fingerprint, secret }): Sighting => ({
          start,
          end,
          line,
          form: formOf(encoding),
          at: `line ${line}`,
          fingerprint,
          secret,
        }),
      ),
}

function formOf(encoding: Encoding): Sighting['form'] {
  if (encoding === 'plain') return 'plain'
  return encoding === 'rclone-obscured' ? 'obscured' : 'wrapped'
}
