import { once } from 'node:events'
import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import type { Session } from '../session.ts'
import { createWhirlpool } from '../whirlpool.ts'

export function addCat(program: Command, cli: Cli): void {
  program
    .command('cat')
    .description('Write the content of files to the standard output.')
    .argument('<place...>', 'paths or links')
    .addHelpText('after', examples('guichet cat /notes/todo.txt', 'guichet cat /backup/home.tar.gz | tar tz'))
    .action((places: string[], _options: object, command: Command) =>
      cli.run(command, (session) => cat(session, places.map(parsePlace))),
    )
}

async function cat(session: Session, places: readonly string[]): Promise<void> {
  if (session.print.isJson) {
    throw new GatewayError('invalid', 'the content of a file is not JSON', { hint: 'leave --json out' })
  }
  const { output } = session.world
  const { guichet } = session.connect()
  for (const at of places) {
    const content = await guichet.get(at, { signal: session.stop })
    const hash = createWhirlpool()
    for await (const chunk of content.body) {
      hash.update(chunk)
      if (!output.write(chunk)) await once(output, 'drain', { signal: session.stop })
    }
    if (content.whirlpool !== undefined && content.whirlpool !== hash.digest('hex')) {
      throw new GatewayError('corrupt', `the bytes of ${JSON.stringify(at)} do not have its checksum`, {
        hint: 'do not use what was written; try again later',
      })
    }
  }
}
