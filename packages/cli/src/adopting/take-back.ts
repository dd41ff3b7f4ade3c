import { GatewayError } from '@guichet/core'
import type { Guichet } from '@guichet/sdk'
import { countText } from '../print.ts'
import type { Session } from '../session.ts'
import { type AdoptJournal, adoptFolder, dropJournal, readJournal } from './journal.ts'
import { openOwnerGateway } from './owner-gateway.ts'
import { undoFiles } from './swap.ts'

/** Drops the backups: the last copies of the key outside the vault. */
export async function confirmAdoption({ home, print }: Session): Promise<void> {
  const folder = adoptFolder(home.path)
  const journal = await requireJournal(folder)
  if (journal.state !== 'done') {
    throw new GatewayError('conflict', 'the adoption was broken off in the middle', {
      hint: 'put everything back with `guichet adopt --undo`, then adopt again',
    })
  }
  await dropJournal(folder)
  print.result({ confirmed: journal.files.map(({ path }) => path) }, () =>
    print.line(`removed ${countText(journal.files.length, 'backup')}`),
  )
  print.note(
    'the old API key stood in plain text: if there is no new one yet, make it and run `guichet rotate`',
  )
}

/** Puts every file back, then revokes the keys that were made; the vault keeps what it has. */
export async function undoAdoption(
  session: Session,
  options: {
    readonly force: boolean
    readonly isQuiet?: boolean
    readonly gateway?: { readonly guichet: Guichet }
  },
): Promise<void> {
  const { home, print } = session
  const folder = adoptFolder(home.path)
  const journal = await requireJournal(folder)
  const { restored, changed } = await undoFiles(folder, journal, options)
  const [first] = changed
  if (first !== undefined) {
    throw new GatewayError(
      'conflict',
      `${first.path} was changed since it was adopted, and was left as it is`,
      {
        hint: `its old content is ${folder}/${first.backup}; \`guichet adopt --undo --force\` puts that back`,
      },
    )
  }
  await revokeKeys(session, journal, options.gateway)
  if (options.isQuiet === true) return
  print.result({ restored }, () => print.line(`put ${countText(restored.length, 'file')} back`))
  print.note(`the vault ${home.vault} keeps the key`)
}

async function requireJournal(folder: string): Promise<AdoptJournal> {
  const journal = await readJournal(folder)
  if (journal !== undefined) return journal
  throw new GatewayError('not-found', 'nothing has been adopted, or it has been confirmed', {
    hint: 'run `guichet adopt` first',
  })
}

/** The files are back by now: a key that stays opens no more than it may, and its name tells where it is from. */
async function revokeKeys(
  session: Session,
  journal: AdoptJournal,
  given: { readonly guichet: Guichet } | undefined,
): Promise<void> {
  const names = journal.keys.map(({ name }) => name)
  try {
    await using opened = given === undefined ? await openOwnerGateway(session) : undefined
    const guichet = given?.guichet ?? opened?.guichet
    const keys = (await guichet?.keys()) ?? []
    for (const { id, name, revokedMs } of keys)
      if (names.includes(name) && revokedMs === undefined) await guichet?.revokeKey(id)
  } catch (failure) {
    session.print.warning(
      `the keys ${names.join(', ')} could not be revoked: ${GatewayError.from(failure).message}`,
      'find their ids with `guichet key list`, and end them with `guichet key revoke`',
    )
  }
}
