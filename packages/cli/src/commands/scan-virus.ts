import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { printable } from '../print.ts'
import { confirm } from '../prompts.ts'
import type { Session } from '../session.ts'
import { timeText } from '../times.ts'
import { isInteractive } from '../world.ts'

interface ScanOptions {
  readonly yes?: boolean
}

export function addScanVirus(program: Command, cli: Cli): void {
  program
    .command('scan-virus')
    .description('Let 1fichier scan a file. It DELETES a file in which it finds a virus.')
    .argument('<place>', 'a path or link of a file below 5 GB')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('guichet scan-virus /inbox/setup.zip --yes'))
    .action((place: string, options: ScanOptions, command: Command) =>
      cli.run(command, (session) => scan(session, parsePlace(place), options)),
    )
}

async function scan(session: Session, at: string, options: ScanOptions): Promise<number> {
  const { world, print } = session
  if (options.yes !== true) {
    if (!isInteractive(world)) {
      throw new GatewayError(
        'invalid',
        '1fichier deletes a file in which it finds a virus, and nobody was asked',
        {
          hint: 'give --yes to scan without being asked',
        },
      )
    }
    const mayScan = await confirm(world, `Scan ${printable(at)}? 1fichier deletes it if it finds a virus.`)
    if (!mayScan) throw new GatewayError('cancelled', 'nothing was scanned')
  }
  const result = await session.connect().guichet.scan(at, { signal: session.stop })
  print.result(result, () => {
    const since = result.cachedSinceMs === undefined ? '' : ` (result of ${timeText(result.cachedSinceMs)})`
    const found = `infected, and deleted by 1fichier: ${printable(result.message ?? '')}`
    print.line(result.result === 'clean' ? `clean${since}` : found)
  })
  return result.result === 'clean' ? 0 : INFECTED_EXIT
}

/** As `grep` and other scanners have it: it worked, and the answer is bad. */
const INFECTED_EXIT = 1
