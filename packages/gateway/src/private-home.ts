import { stat } from 'node:fs/promises'
import { GatewayError } from '@guichet/core'

/**
 * Rejects with `invalid` unless nobody else can put a file of theirs into the home in place of one of ours.
 * A link to a home elsewhere is followed: what counts is who owns the directory at its end.
 */
export async function requirePrivateHome(home: string): Promise<void> {
  const { mode, uid } = await stat(home)
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new GatewayError('invalid', `${home} belongs to another user, who can change all that is in it`, {
      hint: 'run Guichet as its owner, or make a home of your own with `guichet init`',
    })
  }
  if ((mode & 0o022) !== 0) {
    throw new GatewayError('invalid', `other users can write into ${home}`, {
      hint: `run \`chmod go-w ${home}\`, and look whether they have`,
    })
  }
}
