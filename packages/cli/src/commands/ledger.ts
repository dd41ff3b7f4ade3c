import { once } from 'node:events'
import type { Command } from 'commander'
import { type Cli, collect, examples } from '../command.ts'
import { openBook, requireLedger } from '../ledger/place.ts'
import { type ShowOptions, show } from '../ledger/show.ts'
import { type VerifyOptions, verify } from '../ledger/verify.ts'
import { countText } from '../print.ts'
import type { Session } from '../session.ts'

const DATABASE = ['--database <file>', 'another database than that of the home; it is only read'] as const

export function addLedger(program: Command, cli: Cli): void {
  const ledger = program
    .command('ledger')
    .description('Read and verify the ledger: who asked what, and what was decided.')
    .addHelpText(
      'after',
      examples(
        'guichet ledger show --decision deny',
        'guichet ledger verify',
        'guichet ledger export > ledger.jsonl',
      ),
    )
  ledger
    .command('verify')
    .description('Check every entry and every checkpoint, and name the first that is wrong.')
    .option(...DATABASE)
    .option('--export <file>', 'check an export instead of a database')
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere; may be repeated', collect)
    .option(
      '--public-key <key>',
      'the key that checkpoints must be signed with (default: asked of the keyholder)',
    )
    .addHelpText(
      'after',
      `\nIt needs no running gateway. What a checkpoint covers cannot be changed unnoticed: keep one elsewhere.${examples(
        'guichet ledger verify',
        'guichet ledger verify --checkpoint /media/usb/ledger-checkpoint',
        'guichet ledger verify --database /backup/guichet.db',
        'guichet ledger verify --export ledger.jsonl',
      )}`,
    )
    .action((options: VerifyOptions, command: Command) =>
      cli.run(command, (session) => verify(session, options)),
    )
  ledger
    .command('show')
    .description('Show decisions, the newest last.')
    .option('--key <id>', 'only of this key: its id, owner, or nobody')
    .option('--verb <verb>', 'only of this verb: list, download, admin …')
    .option('--door <door>', 'only through this door: native, proxy, api, admin')
    .option('--decision <decision>', 'only allow, or only deny')
    .option('--since <time>', 'from a time on: 2h (ago), 2026-11-20, 2026-11-20T21:05')
    .option('--until <time>', 'before a time')
    .option('--target <text>', 'only what has this text in its target')
    .option('-n, --limit <count>', 'how many at the most', '50')
    .option('-f, --follow', 'go on with what is decided from now on')
    .option('--public-key', 'the key that its checkpoints are signed with, and nothing else')
    .option(...DATABASE)
    .addHelpText(
      'after',
      examples(
        'guichet ledger show --decision deny --since 24h',
        'guichet ledger show --key k-1a2b3c4d --verb delete --json',
        'guichet ledger show --follow',
      ),
    )
    .action((options: ShowOptions, command: Command) => cli.run(command, (session) => show(session, options)))
  ledger
    .command('export')
    .description('Write the whole ledger as JSON lines, with its hashes and checkpoints.')
    .option(...DATABASE)
    .addHelpText(
      'after',
      `\nAnybody can check it with \`guichet ledger verify --export FILE\`, without this home.${examples(
        'guichet ledger export > ledger.jsonl',
      )}`,
    )
    .action((options: { readonly database?: string }, command: Command) =>
      cli.run(command, (session) => exportAll(session, options.database)),
    )
  ledger
    .command('accept')
    .description('Take the ledger as it is, after you have put back a copy or looked into a fault.')
    .requiredOption('--reason <text>', 'why; it stands in the ledger')
    .addHelpText(
      'after',
      `\nStop the gateway first. What the keyholder knew before is kept beside the vault.${examples(
        "guichet ledger accept --reason 'restored the backup of Monday after the disk failed'",
      )}`,
    )
    .action((options: { readonly reason: string }, command: Command) =>
      cli.run(command, (session) => accept(session, options.reason)),
    )
}

async function exportAll(session: Session, database: string | undefined): Promise<void> {
  const { exportLedger } = await import('@guichet/gateway')
  const { output } = session.world
  await using book = await openBook(session, database)
  for await (const line of exportLedger(book)) {
    session.stop.throwIfAborted()
    if (!output.write(line)) await once(output, 'drain', { signal: session.stop })
  }
}

async function accept(session: Session, reason: string): Promise<void> {
  const { world, home, print } = session
  await requireLedger(session)
  const { acceptLedgerOf } = await import('@guichet/gateway')
  const { head, replaced } = await acceptLedgerOf(home.path, reason, world)
  print.result({ entries: head.size, ...(replaced !== undefined && { replaced }) }, () => {
    print.line(`accepted the ledger with ${countText(head.size, 'entry', 'entries')}`)
    if (replaced !== undefined) print.note(`what the keyholder knew before is kept in ${replaced}`)
  })
}
