import { GatewayError } from '@guichet/core'
import { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import type { Session } from '../session.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const

export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion')
    .description('Print what makes the shell complete commands and options.')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      examples(
        'source <(guichet completion bash)',
        'guichet completion fish > ~/.config/fish/completions/guichet.fish',
      ),
    )
    .action((shell: string, _options: object, command: Command) =>
      cli.run(command, (session) => completion(session, program, shell)),
    )
  // The printed script asks this on each press of the tab key.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action((words: string[], _options: object, command: Command) =>
      cli.run(command, () => suggest(program, words)),
    )
}

async function completion(session: Session, program: Command, shell: string): Promise<void> {
  if (!(SHELLS as readonly string[]).includes(shell)) {
    throw new GatewayError('invalid', `there is no completion for the shell ${JSON.stringify(shell)}`, {
      hint: `choose from ${SHELLS.join(', ')}`,
    })
  }
  const { script } = await import('@bomb.sh/tab')
  script(shell, program.name(), program.name())
  session.print.note('')
}

async function suggest(program: Command, words: readonly string[]): Promise<void> {
  const { default: describe } = await import('@bomb.sh/tab/commander')
  const copy = new Command(program.name())
  for (const command of program.commands) if (command.name() !== 'complete') copy.addCommand(command)
  describe(copy).parse([...words])
}
