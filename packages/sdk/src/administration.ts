import { requireSuccess } from './answers.ts'
import { type ApiCall, ask, jsonRequest, route } from './asking.ts'
import type { Guichet } from './client.ts'
import type { ApiApproval, ApiKey, ApiLeakedKeys, ApiLedgerEntry, ApiTrashed } from './contract.ts'
import type { Transport } from './transport.ts'

/** Keys, the account and the gateway itself. */
export function administration(
  transport: Transport,
): Pick<
  Guichet,
  | 'account'
  | 'issueKey'
  | 'wrapKey'
  | 'unwrapKey'
  | 'explain'
  | 'keys'
  | 'key'
  | 'revokeKey'
  | 'rotateKey'
  | 'limitKey'
  | 'status'
  | 'ledger'
  | 'ledgerCheckpoint'
  | 'revokeLeaked'
  | 'approvals'
  | 'approval'
  | 'approve'
  | 'trash'
  | 'restoreTrash'
  | 'emptyTrash'
  | 'status'
  | 'resume'
  | 'note'
  | 'seal'
  | 'panic'
> {
  type Trashed = { readonly files: readonly ApiTrashed[] }
  const approvalRoute = (id: string): string => route(`approvals/${encodeURIComponent(id)}`)
  const keyRoute = (id: string): string => route(`keys/${encodeURIComponent(id)}`)
  const order = async (path: string, call: ApiCall | undefined, body: object = {}): Promise<void> => {
    const response = await transport(jsonRequest('POST', route(path), body, call))
    await requireSuccess(response)
    for await (const _ of response.body);
  }
  return {
    account: (call) => ask(transport, 'GET', route('account'), call),
    issueKey: (key, call) => ask(transport, 'POST', route('keys'), call, key),
    wrapKey: (key, call) => ask(transport, 'POST', route('keys'), call, key),
    explain: (question, call) => ask(transport, 'POST', route('explain'), call, question),
    unwrapKey: (token, call) => ask(transport, 'POST', route('unwrap'), call, { token }),
    keys: async (call) =>
      (await ask<{ keys: readonly ApiKey[] }>(transport, 'GET', route('keys'), call)).keys,
    key: (id, call) => ask(transport, 'GET', keyRoute(id), call),
    revokeKey: (id, call) => ask(transport, 'DELETE', keyRoute(id), call),
    rotateKey: (id, overlapMs, call) => ask(transport, 'POST', `${keyRoute(id)}/rotate`, call, { overlapMs }),
    limitKey: (id, change, call) => ask(transport, 'POST', `${keyRoute(id)}/limits`, call, change),
    revokeLeaked: async (keys, call) =>
      (await ask<ApiLeakedKeys>(transport, 'POST', route('leaked-keys'), call, { keys })).keys,
    approvals: async (call) =>
      (await ask<{ approvals: readonly ApiApproval[] }>(transport, 'GET', route('approvals'), call))
        .approvals,
    trash: async (call) => (await ask<Trashed>(transport, 'GET', route('trash'), call)).files,
    restoreTrash: async (ids, call) =>
      (await ask<Trashed>(transport, 'POST', route('trash/restore'), call, { ids })).files,
    emptyTrash: async (what, call) =>
      (await ask<Trashed>(transport, 'POST', route('trash/empty'), call, { what })).files,
    approval: (id, call) => ask(transport, 'GET', approvalRoute(id), call),
    approve: (id, decision, call) => ask(transport, 'POST', approvalRoute(id), call, { decision }),
    status: (call) => ask(transport, 'GET', route('status'), call),
    async ledger(query = {}, call) {
      const fields = Object.entries(query).map(([name, value]) => [name, value?.toString()])
      const path = route('ledger', Object.fromEntries(fields))
      return (await ask<{ entries: readonly ApiLedgerEntry[] }>(transport, 'GET', path, call)).entries
    },
    ledgerCheckpoint: (call) => ask(transport, 'GET', route('ledger/checkpoint'), call),
    resume: (call) => order('resume', call),
    note: (what, call) => order('notes', call, { what }),
    seal: (call) => order('seal', call),
    panic: (call) => ask(transport, 'POST', route('panic'), call, {}),
  }
}
