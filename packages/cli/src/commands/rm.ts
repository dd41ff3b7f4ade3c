import { GatewayError } from '@guichet/core'
import type { ApiRemoved } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { countText } from '../print.ts'
import { confirm } from '../prompts.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { isInteractive } from '../world.ts'

interface RmOptions {
  readonly recursive?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
}

export function addRm(program: Command, cli: Cli): void {
  program
    .command('rm')
    .description('Remove files and folders for good: 1fichier has no trash.')
    .argument('<place...>', 'paths, folder:123, or links')
    .option('-r, --recursive', 'remove folders with everything in them')
    .option('-y, --yes', 'do not ask')
    .option('-n, --dry-run', 'count what would go, and stop')
    .addHelpText('after', examples('guichet rm /inbox/old.zip', 'guichet rm -r --yes /tmp'))
    .action((places: string[], options: RmOptions, command: Command) =>
      cli.run(command, (session) => rm(session, places.map(parsePlace), options)),
    )
}

async function rm(session: Session, at: readonly string[], options: RmOptions): Promise<void> {
  const { world, print, stop } = session
  const { guichet } = session.connect()
  const recursive = options.recursive === true
  if (options.yes !== true || options.dryRun === true) {
    const count = await guichet.remove({ at, recursive, dryRun: true }, { signal: stop })
    if (options.dryRun === true) {
      return print.result({ ...count, dryRun: true }, () => print.line(`would remove ${countOf(count)}`))
    }
    if (!isInteractive(world)) {
      throw new GatewayError(
        'invalid',
        `this would remove ${countOf(count)}, and there is no terminal to ask on`,
        {
          hint: 'give --yes to remove without being asked',
        },
      )
    }
    if (!(await confirm(world, `Remove ${countOf(count)}? 1fichier has no trash.`))) {
      throw new GatewayError('cancelled', 'nothing was removed')
    }
  }
  const removed = await guichet.remove({ at, recursive }, { signal: stop })
  print.result(removed, () => print.line(`removed ${countOf(removed)}`))
}

function countOf({ files, folders, bytes }: ApiRemoved): string {
  const things = [
    ...(files > 0 || folders === 0 ? [`${countText(files, 'file')} (${sizeText(bytes)})`] : []),
    ...(folders > 0 ? [countText(folders, 'folder')] : []),
  ]
  return things.join(' and ')
}
