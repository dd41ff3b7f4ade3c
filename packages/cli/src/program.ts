import { GatewayError, hintsOf, TRAITS } from '@guichet/core'
import { hideCredentials } from '@guichet/leaks'
import { Command, CommanderError } from 'commander'
import type { Cli } from './command.ts'
import { loadCommands } from './commands.ts'
import { foreseen, usageError, withoutKeys } from './failures.ts'
import { createPrinter, type Printer } from './print.ts'
import { type GlobalOptions, openSession } from './session.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

/** Runs one command line and resolves with its exit code. Never rejects; prints no stack trace. */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  let code = 0
  const cli: Cli = {
    world,
    async run(command, work) {
      await using session = openSession(world, command.optsWithGlobals<GlobalOptions>())
      code = (await work(session)) ?? 0
    },
  }
  try {
    const program = await createProgram(cli, argv)
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (failure) {
    if (failure instanceof CommanderError) return failure.exitCode
    const error = withoutKeys(foreseen(failure), argv)
    return reportFailure(error, world, wantsJson(argv))
  }
}

/** What stands behind `--` is for somebody else. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? argv.length : end).includes('--json')
}

/** Says what failed, and what to do next, to programs as well where they are to read it; gives the exit code. */
export function reportFailure(failure: unknown, world: World, isJson = false): number {
  const error = reasonOf(failure, world)
  const { exit } = error.code === 'cancelled' ? error.facts : {}
  // Nobody reads any more, and nobody needs to be told.
  if (exit === 0) return exit
  const print = createPrinter({ ...world, isJson: false, isQuiet: false })
  print.failure(error)
  if (isJson) {
    const { code, message, retryAfterMs } = error
    const told = { code, message, hints: hintsOf(error), ...(retryAfterMs !== undefined && { retryAfterMs }) }
    world.output.write(`${world.secrets.hide(JSON.stringify({ error: told }))}\n`)
  }
  if ((world.env['GUICHET_DEBUG'] ?? '') !== '') printDetails(print, failure)
  return typeof exit === 'number' ? exit : TRAITS[error.code].exit
}

/** Whatever a signal broke off says so in its own way; the signal is the reason. */
function reasonOf(failure: unknown, world: World): GatewayError {
  const error = foreseen(failure)
  const { stop } = world.signals
  return error.code === 'cancelled' && stop.aborted ? foreseen(stop.reason) : error
}

/** The program with the commands that the command line may mean; with all of them where it names none. */
export async function createProgram(cli: Cli, argv: readonly string[] = []): Promise<Command> {
  const program = new Command('guichet')
    .description('The counter between every tool and one 1fichier account.')
    .option('--home <dir>', 'where the state lives (default: $GUICHET_HOME, or the data directory)')
    .option('--json', 'print the result for programs, or why there is none')
    .option('-q, --quiet', 'print the result alone, no progress and no remarks')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'explain a command')
    .configureOutput({
      writeOut: (text) => cli.world.output.write(text),
      writeErr: (text) => cli.world.errors.write(text),
      // What Commander would print here is rendered once, with its hint, by `runCli`.
      outputError: () => undefined,
    })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
  for (const { group, adds } of await loadCommands(argv)) {
    program.commandsGroup(group)
    for (const add of adds) add(program, cli)
  }
  program.addHelpText('after', '\nEvery command explains itself: `guichet ls --help`.')
  refuseInOurWords(program, 'guichet')
  return program
}

function refuseInOurWords(command: Command, commandLine: string): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw error
    // `guichet` or `guichet key` alone: the help has been printed.
    if (error.code === 'commander.help')
      throw new CommanderError(TRAITS.invalid.exit, error.code, error.message)
    throw usageError(error, commandLine)
  })
  for (const child of command.commands) refuseInOurWords(child, `${commandLine} ${child.name()}`)
}

function printDetails(print: Printer, failure: unknown): void {
  for (let current = failure; current instanceof Error; current = current.cause) {
    const facts = current instanceof GatewayError ? ` ${JSON.stringify(current.facts)}` : ''
    // Words of others may quote anything.
    print.note(hideCredentials(`debug: ${current.stack ?? current.message}${facts}`))
  }
}
