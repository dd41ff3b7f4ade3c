import { DAY_MS, GatewayError, parseVerbs, type Verb } from '@guichet/core'
import type { ApiIssueKey } from '@guichet/sdk'
import { type Command, Option } from 'commander'
import { parseFolderPlace } from '../../places.ts'
import { parseDuration } from '../../times.ts'

/** What a person may say about what a key is for, and where its deletions go. */
export interface ProfileOptions {
  readonly verbs: string
  readonly profile?: string
  readonly trash?: string
  readonly trashFor?: number
}

export function addProfileOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--profile <profile>', 'verbs for a purpose').choices(['append-only']).conflicts('verbs'),
    )
    .option('--trash <folder>', 'it may delete, but what it deletes is kept in this folder outside its root')
    .option('--trash-for <duration>', 'how long it is kept there (default: 30d)', parseDuration)
}

/** What goes to a trash instead is still a deletion to the client that asks for it. */
export function verbsOf({ verbs, profile, trash }: ProfileOptions): readonly Verb[] {
  const wished = profile ?? verbs
  return parseVerbs(trash === undefined ? wished : `${wished},delete`)
}

export function trashOf({ trash, trashFor }: ProfileOptions): Pick<ApiIssueKey, 'trash'> {
  if (trash !== undefined) return { trash: { at: parseFolderPlace(trash), keepMs: trashFor || 30 * DAY_MS } }
  if (trashFor === undefined) return {}
  throw new GatewayError('invalid', '--trash-for says how long something is kept, but not where', {
    hint: 'add --trash with a folder outside the root of the key',
  })
}
