import type { ApiAccount } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { durationText, timeText } from '../times.ts'

export function addAccount(program: Command, cli: Cli): void {
  program
    .command('account')
    .description('Show the account: offer, end of the subscription, storage, credits.')
    .addHelpText('after', examples('guichet account', 'guichet account --json'))
    .action((_options: object, command: Command) => cli.run(command, account))
}

async function account(session: Session): Promise<void> {
  const { print, world } = session
  const figures = await session.connect().guichet.account({ signal: session.stop })
  print.result(figures, () => {
    for (const row of table(rowsOf(figures, world.clock.nowMs()))) print.line(row)
  })
  if (figures.isOverQuota)
    print.warning('the account is over its quota', 'remove files, or order more storage')
  if (figures.isUploadForbidden) print.warning('1fichier takes no uploads to this account')
}

function rowsOf(figures: ApiAccount, nowMs: number): readonly (readonly string[])[] {
  const { email, subscriptionEndMs, cdnCreditsGb } = figures
  const size = (label: string, bytes: number | undefined): string[][] =>
    bytes === undefined ? [] : [[label, sizeText(bytes)]]
  return [
    ...(email === undefined ? [] : [['account', printable(email)]]),
    ['offer', figures.offer],
    ...(subscriptionEndMs === undefined ? [] : [['ends', endText(subscriptionEndMs, nowMs)]]),
    ...size('stored', figures.hotBytes),
    ...size('stored, cold', figures.coldBytes),
    ...size('free', figures.availableBytes),
    ...size('free, cold', figures.availableColdBytes),
    ...(cdnCreditsGb === undefined ? [] : [['CDN credits', `${cdnCreditsGb} GB`]]),
    ['as of', `${durationText(figures.ageMs)} ago`],
  ]
}

function endText(endMs: number, nowMs: number): string {
  return endMs > nowMs
    ? `${timeText(endMs)} (in ${durationText(endMs - nowMs)})`
    : `${timeText(endMs)} (ended)`
}
