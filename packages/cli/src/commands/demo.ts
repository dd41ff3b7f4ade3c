import type { Command } from 'commander'
import { type Cli, examples } from '../program.ts'

export function addDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description('Show the whole thing in seconds, against a 1fichier of its own.')
    .option('--stay', 'leave it running until Ctrl-C, to try things')
    .addHelpText('after', examples('guichet demo', 'guichet demo --stay'))
    .action((_options: object, command: Command) => cli.run(command, async () => 0))
}
