import { findKeys } from '../detect/find-keys.ts'
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
          form: encoding === 'plain' ? 'plain' : encoding === 'rclone-obscured' ? 'obscured' : 'wrapped',
          at: `line ${line}`,
          fingerprint,
          secret,
        }),
      ),
}
