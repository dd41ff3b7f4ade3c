import type { ApiStatus } from '@guichet/sdk'
import type { Command } from 'commander'
import { budgetRows } from '../budgets.ts'
import { type Cli, examples } from '../command.ts'
import { rotationReminder } from '../console-page.ts'
import { countText, printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { durationText, timeText } from '../times.ts'

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('Show how the gateway is: keyholder, queue, locks, calls to 1fichier.')
    .addHelpText('after', examples('guichet status', 'guichet status --json | jq .upstream.calls'))
    .action((_options: object, command: Command) => cli.run(command, status))
}

async function status(session: Session): Promise<void> {
  const { print, world } = session
  const state = await session.connect().guichet.status({ signal: session.stop })
  print.result(state, () => {
    for (const line of linesOf(state, world.clock.nowMs())) print.line(line)
  })
}

function linesOf(state: ApiStatus, nowMs: number): readonly string[] {
  const { upstream, tree, keys, scheduler, budgets } = state
  const line = (label: string, text: string): string => `${label.padEnd(LABEL_WIDTH)}${text}`
  const waiting = scheduler.waiting
    .slice(0, SHOWN_MAX)
    .map(({ endpoint, priority, key, waitMs, reason }) => [
      `  ${endpoint}`,
      priority,
      `for ${printable(key)}`,
      `${durationText(waitMs)} more: ${printable(reason)}`,
    ])
  const calls = Object.entries(upstream.calls)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([endpoint, count]) => [`  ${endpoint}`, String(count)])
  return [
    line('gateway', `${state.version} at ${state.address}, up ${durationText(nowMs - state.startedMs)}`),
    line('keyholder', keyholderText(state.keyholder)),
    ...(state.keyholder.rotationDue === true
      ? [`  ${rotationReminder(state.keyholder.keyAgeDays ?? 0)}`]
      : []),
    line('locks', scheduler.locks.length === 0 ? 'none' : countText(scheduler.locks.length, 'lock')),
    ...scheduler.locks.map((lock) => `  ${lockText(lock, nowMs)}`),
    line('waiting', waiting.length === 0 ? 'nothing' : countText(scheduler.waiting.length, 'call')),
    ...table(waiting),
    line('transfers', transfersText(state.transfers)),
    ...(state.transfersWaitFor === undefined ? [] : [`  they wait: ${printable(state.transfersWaitFor)}`]),
    line('tree', `${countText(tree.folders, 'folder')}, ${countText(tree.files, 'file')} known`),
    line('keys', `${keys.active} active, ${keys.expired} expired, ${keys.revoked} revoked`),
    ...(Object.keys(budgets).length === 0 ? [] : [line('budgets', '')]),
    ...table(
      Object.entries(budgets).flatMap(([id, spends]) => budgetRows(spends).map((row) => [`  ${id}`, ...row])),
    ),
    line('ledger', ledgerText(state.ledger)),
    ...(state.ledger.distrust === undefined
      ? []
      : [`  not trusted: ${printable(state.ledger.distrust.message)}`]),
    ...(keys.alarms ?? []).map(
      ({ key, atMs }) =>
        `  alarm: the token of ${key} came twice, ${timeText(atMs)}: somebody else had the key`,
    ),
    line(
      'upstream',
      `${countText(upstream.total, 'call')}, ${upstream.saved} saved, ${countText(upstream.locksMet, 'lock')} met`,
    ),
    ...table(calls, [1]),
  ]
}

const LABEL_WIDTH = 11
const SHOWN_MAX = 10

function keyholderText({ state, reason, keyAgeDays }: ApiStatus['keyholder']): string {
  const why = reason === undefined ? '' : `: ${printable(reason)}`
  const next = state === 'sealed' ? ' (`guichet unseal` opens it)' : ''
  const age = keyAgeDays === undefined ? '' : `, the API key was stored ${countText(keyAgeDays, 'day')} ago`
  return `${state}${why}${next}${age}`
}

function ledgerText({ entries, signed, distrust }: ApiStatus['ledger']): string {
  const covered = signed === undefined ? 'no checkpoint yet' : `a checkpoint over ${signed.size}`
  const alarm = distrust === undefined ? '' : `; ${distrust.alarm}: nothing is served`
  return `${countText(entries, 'decision')}, ${covered}${alarm}`
}

function lockText(lock: ApiStatus['scheduler']['locks'][number], nowMs: number): string {
  const what = `${lock.reach}${lock.scope === undefined ? '' : ` (${lock.scope})`}: ${printable(lock.reason)}`
  if (lock.state === 'stopped') return `${what}; stopped until \`guichet resume\``
  if (lock.state === 'half-open') return `${what}; one call is trying whether it has ended`
  if (lock.untilMs === undefined) return what
  return `${what}; ${durationText(lock.untilMs - nowMs)} left, until ${timeText(lock.untilMs)}`
}

function transfersText(transfers: ApiStatus['transfers']): string {
  const some = Object.entries(transfers).filter(([, count]) => count > 0)
  return some.length === 0 ? 'none' : some.map(([state, count]) => `${count} ${state}`).join(', ')
}
