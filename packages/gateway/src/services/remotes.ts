import { type FolderId, GatewayError, type RemoteUpload, type RemoteUploadDetails, ROOT } from '@guichet/core'
import type { Budgets } from './budgets/budgets.ts'
import type { Catalogue, HostFor } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'
import { toUrl } from './remote-url.ts'

/** Content that 1fichier itself fetches into the account. */
export interface Remotes {
  /** Rejects with `invalid` for addresses and headers that 1fichier must not be sent. */
  start(caller: Caller, wish: RemoteWish): Promise<number>
  /** What was asked for by anybody, so only for keys that are not confined. */
  list(caller: Caller): Promise<readonly RemoteUpload[]>
  info(caller: Caller, id: number): Promise<RemoteUploadDetails>
}

export interface RemoteWish {
  readonly urls: readonly string[]
  readonly to: FolderId
  readonly headers: Readonly<Record<string, string>>
}

const HEADERS_MAX = 50

export function createRemotes(options: {
  readonly host: HostFor
  readonly gate: Gate
  readonly catalogue: Catalogue
  readonly budgets: Pick<Budgets, 'counts'>
}): Remotes {
  const { host, gate, catalogue, budgets } = options

  async function requireWhole(caller: Caller, target: string): Promise<void> {
    if (caller.principal.root === ROOT) return gate.permit(caller, 'remote-upload', target)
    const error = new GatewayError(
      'forbidden',
      'remote uploads of the account are shown only to keys that are not confined',
      { hint: 'use a key made without --root' },
    )
    throw await gate.deny({ caller, verb: 'remote-upload', target }, error)
  }

  return {
    async start(caller, { urls, to, headers }) {
      const addresses = urls.map(toUrl)
      requireHeaders(headers)
      await catalogue.requireInside(caller, to)
      const target = await catalogue.pathOf(to)
      await gate.permit(caller, 'remote-upload', target)
      if (budgets.counts(caller.principal, 'up')) {
        const error = new GatewayError(
          'forbidden',
          'a key with a budget of up starts no remote uploads: nobody knows beforehand how much they bring',
          { hint: 'use a key without such a budget' },
        )
        throw await gate.deny({ caller, verb: 'remote-upload', target }, error)
      }
      const recheck = (): Promise<void> => catalogue.requireStill(caller, { folders: [to] })
      return host({ ...caller, recheck }, 'write').remote.start(addresses, to, headers, caller)
    },

    async list(caller) {
      await requireWhole(caller, 'list')
      return host(caller, 'interactive').remote.list(caller)
    },

    async info(caller, id) {
      await requireWhole(caller, `request ${id}`)
      return host(caller, 'interactive').remote.info(id, caller)
    },
  }
}

/** What 1fichier takes (wire.md §10), and nothing that breaks out of a header. */
function requireHeaders(headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers)
  const bad = entries.find(
    ([name, value]) =>
      !/^[A-Za-z0-9-]{1,100}$/.test(name) ||
      !/^[A-Za-z0-9 \t\-_+=%?,'"/.:;()*&@!~[\]{}|#$^]{0,4000}$/.test(value),
  )
  if (bad === undefined && entries.length <= HEADERS_MAX) return
  throw new GatewayError(
    'invalid',
    bad === undefined
      ? `more than ${HEADERS_MAX} headers`
      : `the header "${bad[0].slice(0, 100)}" cannot be sent along`,
    { hint: 'names are letters, digits and -; values are printable ASCII' },
  )
}
