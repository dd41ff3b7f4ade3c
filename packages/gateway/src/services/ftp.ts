import { type FolderId, GatewayError, ROOT } from '@guichet/core'
import type { Budgets } from './budgets/budgets.ts'
import type { Catalogue, HostFor } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'

/**
 * The account's FTP users. They reach the account past this gateway and live on after the key that made them,
 * so only keys that are not confined may have to do with them.
 */
export interface Ftp {
  process(caller: Caller): Promise<void>
  list(caller: Caller): Promise<readonly Readonly<Record<string, unknown>>[]>
  add(
    caller: Caller,
    user: { readonly name: string; readonly pass: string; readonly folder: FolderId | undefined },
  ): Promise<void>
  remove(caller: Caller, name: string): Promise<void>
}

export function createFtp(options: {
  readonly host: HostFor
  readonly gate: Gate
  readonly catalogue: Catalogue
  readonly budgets: Pick<Budgets, 'counts'>
}): Ftp {
  const { host, gate, catalogue, budgets } = options

  async function permit(caller: Caller, target: string): Promise<void> {
    if (caller.principal.root === ROOT) return gate.permit(caller, 'ftp', target)
    const error = new GatewayError('forbidden', 'FTP is only for keys that are not confined', {
      hint: 'use a key made without --root',
    })
    throw await gate.deny({ caller, verb: 'ftp', target }, error)
  }

  /** What an FTP user moves and removes is seen by no budget, and no person is asked about it. */
  async function requireUncounted(caller: Caller, target: string): Promise<void> {
    const { limits, ancestors = [] } = caller.principal
    if ([{ limits }, ...ancestors].some((one) => one.limits.approval !== undefined)) {
      const error = new GatewayError(
        'forbidden',
        'a key that deletes much only when a person agrees makes no FTP users, who would be past that',
        { hint: 'make FTP users with a key that has no such limit' },
      )
      throw await gate.deny({ caller, verb: 'ftp', target }, error)
    }
    for (const measure of ['up', 'down', 'deletes'] as const) {
      if (!budgets.counts(caller.principal, measure)) continue
      const error = new GatewayError(
        'forbidden',
        `a key with a budget of ${measure} makes no FTP users, who would be past it`,
        { hint: 'make FTP users with a key that has no such budget' },
      )
      throw await gate.deny({ caller, verb: 'ftp', target }, error)
    }
  }

  return {
    async process(caller) {
      await permit(caller, 'process')
      await host(caller, 'write').ftp.process(caller)
    },

    async list(caller) {
      await permit(caller, 'list users')
      return host(caller, 'interactive').ftp.list(caller)
    },

    async add(caller, { name, pass, folder }) {
      await permit(caller, `add user ${name}`)
      await requireUncounted(caller, `add user ${name}`)
      if (folder !== undefined) await catalogue.requireInside(caller, folder)
      await host(caller, 'write').ftp.add({ name, pass, ...(folder !== undefined && { folder }) }, caller)
    },

    async remove(caller, name) {
      await permit(caller, `remove user ${name}`)
      await host(caller, 'write').ftp.remove(name, caller)
    },
  }
}
