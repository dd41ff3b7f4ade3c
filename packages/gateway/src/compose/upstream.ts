import path from 'node:path'
import type { FileHost } from '@guichet/core'
import { connectFichier } from '@guichet/fichier'
import type { Config } from '../config.ts'
import { witnessClock } from '../connections/clock-witness.ts'
import { type KeptKeyholder, keepKeyholder } from '../connections/kept-keyholder.ts'
import { openExchange } from '../connections/open-exchange.ts'
import { shutWhileSealed } from '../connections/shut-exchange.ts'
import { sweepContent } from '../content-garbage.ts'
import type { LedgerWatch } from '../services/ledger/watch.ts'
import { openScheduler } from '../services/scheduler/open.ts'
import { paceHost } from '../services/scheduler/paced-host.ts'
import type { Scheduler } from '../services/scheduler/scheduler.ts'
import type { World } from '../world.ts'
import type { Stores } from './stores.ts'

/** Gives the host to a caller, paced. */
export type PacedHostFor = (caller: Parameters<typeof paceHost>[2]) => FileHost

export function openKeyholder(config: Config, world: World): Promise<KeptKeyholder> {
  return keepKeyholder(
    {
      home: config.home,
      socketPath: path.join(config.home, 'run', 'keyholder.sock'),
      unlockFile: config.unlock.kind === 'file' ? config.unlock.path : undefined,
      keyring: config.unlock.kind === 'keyring',
      prompt: config.unlock.kind === 'prompt',
      env: config.env,
    },
    world,
  )
}

/** The way to 1fichier: what needs the key goes by the keyholder, all of it by the scheduler. */
export async function openUpstream(
  opened: AsyncDisposableStack,
  config: Config,
  { clock, random }: World,
  stores: Stores,
  keyholder: KeptKeyholder,
  watch: LedgerWatch,
): Promise<{ scheduler: Scheduler; hostFor: PacedHostFor; shut: () => void }> {
  const open = openExchange({
    route: config.upstreamRoute,
    extraCa: config.upstreamCa,
    clock,
    onContent: sweepContent(globalThis.gc),
  })
  opened.defer(() => open.close())
  const isSealed = async (): Promise<boolean> => (await keyholder.status()).state === 'sealed'
  const { exchange, shut } = shutWhileSealed(open.exchange, isSealed)
  const keyed = witnessClock(keyholder.client.exchange, { facts: stores.facts, clock })
  const host = connectFichier({
    async keyed(call) {
      await watch.requireWitness()
      return keyed(call)
    },
    open: exchange,
    boundary: () => Buffer.from(random(30)).toString('hex'),
  })
  const { rules, locks } = config
  const scheduler = opened.use(
    await openScheduler({ rules, locks, store: stores.limiter, facts: stores.facts, clock }),
  )
  return { scheduler, hostFor: (caller) => paceHost(host, scheduler, caller), shut }
}
