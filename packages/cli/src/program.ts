import { GatewayError, hintsOf, TRAITS } from '@guichet/core'
import { hideCredentials } from '@guichet/leaks'
import { Command, CommanderError } from 'commander'
import type { Cli } from './command.ts'
import { addAccount } from './commands/account.ts'
import { addAdopt } from './commands/adopt.ts'
import { addApprove } from './commands/approve.ts'
import { addAttr } from './commands/attr.ts'
import { addBackup } from './commands/backup.ts'
import { addCat } from './commands/cat.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addCp } from './commands/cp.ts'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEmulator } from './commands/emulator.ts'
import { addExplain } from './commands/explain.ts'
import { addFind } from './commands/find.ts'
import { addGet } from './commands/get.ts'
import { addInit } from './commands/init.ts'
import { addKey } from './commands/key.ts'
import { addLedger } from './commands/ledger.ts'
import { addLink } from './commands/link.ts'
import { addLs } from './commands/ls.ts'
import { addMkdir } from './commands/mkdir.ts'
import { addMv } from './commands/mv.ts'
import { addPanic } from './commands/panic.ts'
import { addPut } from './commands/put.ts'
import { addRemote } from './commands/remote.ts'
import { addRestore } from './commands/restore.ts'
import { addResume } from './commands/resume.ts'
import { addRm } from './commands/rm.ts'
import { addRotate } from './commands/rotate.ts'
import { addRun } from './commands/run.ts'
import { addScan } from './commands/scan.ts'
import { addScanVirus } from './commands/scan-virus.ts'
import { addSeal } from './commands/seal.ts'
import { addServe } from './commands/serve.ts'
import { addShare } from './commands/share.ts'
import { addStat } from './commands/stat.ts'
import { addStatus } from './commands/status.ts'
import { addTrash } from './commands/trash.ts'
import { addTree } from './commands/tree.ts'
import { addUnseal } from './commands/unseal.ts'
import { addVault } from './commands/vault.ts'
import { foreseen, usageError, withoutKeys } from './failures.ts'
import { createPrinter, type Printer } from './print.ts'
import { type GlobalOptions, openSession } from './session.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

/** Adds one command to the program, in the order of the help. */
type Add = (program: Command, cli: Cli) => void

const GROUPS: Readonly<Record<string, readonly Add[]>> = {
  'Start here:': [addInit, addServe, addDemo, addStatus],
  'Files and folders:': [
    addLs,
    addTree,
    addFind,
    addStat,
    addGet,
    addCat,
    addPut,
    addMkdir,
    addMv,
    addCp,
    addRm,
  ],
  'More about files:': [addLink, addShare, addAttr, addScanVirus, addRemote],
  'Other tools, and keys for them:': [
    addRun,
    addAdopt,
    addKey,
    addApprove,
    addTrash,
    addExplain,
    addScan,
    addLedger,
  ],
  'The account and its API key:': [addAccount, addSeal, addUnseal, addRotate, addVault, addPanic, addResume],
  'Around it:': [addDoctor, addBackup, addRestore, addConfig, addEmulator, addCompletion],
}

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
    await createProgram(cli).parseAsync([...argv], { from: 'user' })
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

export function createProgram(cli: Cli): Command {
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
  for (const [group, adds] of Object.entries(GROUPS)) {
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
