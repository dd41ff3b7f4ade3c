import type { Command } from 'commander'
import type { Cli } from './command.ts'

/** Adds one command to the program. */
export type AddCommand = (program: Command, cli: Cli) => void

/**
 * Every command, in the order of the help. What a command line does not name is not loaded: a gateway that runs for
 * months does not keep the others in memory, and `guichet ls` does not wait for them.
 */
export const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<AddCommand>>>>> = {
  'Start here:': {
    init: async () => (await import('./commands/init.ts')).addInit,
    serve: async () => (await import('./commands/serve.ts')).addServe,
    demo: async () => (await import('./commands/demo.ts')).addDemo,
    status: async () => (await import('./commands/status.ts')).addStatus,
  },
  'Files and folders:': {
    ls: async () => (await import('./commands/ls.ts')).addLs,
    tree: async () => (await import('./commands/tree.ts')).addTree,
    find: async () => (await import('./commands/find.ts')).addFind,
    stat: async () => (await import('./commands/stat.ts')).addStat,
    get: async () => (await import('./commands/get.ts')).addGet,
    cat: async () => (await import('./commands/cat.ts')).addCat,
    put: async () => (await import('./commands/put.ts')).addPut,
    mkdir: async () => (await import('./commands/mkdir.ts')).addMkdir,
    mv: async () => (await import('./commands/mv.ts')).addMv,
    cp: async () => (await import('./commands/cp.ts')).addCp,
    rm: async () => (await import('./commands/rm.ts')).addRm,
  },
  'More about files:': {
    link: async () => (await import('./commands/link.ts')).addLink,
    share: async () => (await import('./commands/share.ts')).addShare,
    attr: async () => (await import('./commands/attr.ts')).addAttr,
    'scan-virus': async () => (await import('./commands/scan-virus.ts')).addScanVirus,
    remote: async () => (await import('./commands/remote.ts')).addRemote,
  },
  'Other tools, and keys for them:': {
    run: async () => (await import('./commands/run.ts')).addRun,
    adopt: async () => (await import('./commands/adopt.ts')).addAdopt,
    key: async () => (await import('./commands/key.ts')).addKey,
    approve: async () => (await import('./commands/approve.ts')).addApprove,
    trash: async () => (await import('./commands/trash.ts')).addTrash,
    explain: async () => (await import('./commands/explain.ts')).addExplain,
    scan: async () => (await import('./commands/scan.ts')).addScan,
    ledger: async () => (await import('./commands/ledger.ts')).addLedger,
  },
  'The account and its API key:': {
    account: async () => (await import('./commands/account.ts')).addAccount,
    seal: async () => (await import('./commands/seal.ts')).addSeal,
    unseal: async () => (await import('./commands/unseal.ts')).addUnseal,
    rotate: async () => (await import('./commands/rotate.ts')).addRotate,
    vault: async () => (await import('./commands/vault.ts')).addVault,
    panic: async () => (await import('./commands/panic.ts')).addPanic,
    resume: async () => (await import('./commands/resume.ts')).addResume,
  },
  'Around it:': {
    doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
    backup: async () => (await import('./commands/backup.ts')).addBackup,
    restore: async () => (await import('./commands/restore.ts')).addRestore,
    config: async () => (await import('./commands/config.ts')).addConfig,
    emulator: async () => (await import('./commands/emulator.ts')).addEmulator,
    completion: async () => (await import('./commands/completion.ts')).addCompletion,
  },
}

/** These need to know all of them. */
const WHOLE = ['complete', 'completion']

/** The commands that a command line may mean, by their groups; all of them where it names none. */
export async function loadCommands(
  argv: readonly string[],
): Promise<readonly { readonly group: string; readonly adds: readonly AddCommand[] }[]> {
  const end = argv.indexOf('--')
  const words = new Set(argv.slice(0, end < 0 ? argv.length : end))
  const names = Object.values(COMMANDS).flatMap((commands) => Object.keys(commands))
  const isWhole = WHOLE.some((word) => words.has(word)) || !names.some((name) => words.has(name))
  return Promise.all(
    Object.entries(COMMANDS).map(async ([group, commands]) => {
      const wanted = Object.entries(commands).filter(([name]) => isWhole || words.has(name))
      return { group, adds: await Promise.all(wanted.map(([, load]) => load())) }
    }),
  )
}
