import type { ByteRange } from '@guichet/core'
import { administration } from './administration.ts'
import { readJson, requireSuccess } from './answers.ts'
import { type ApiCall, ask, route } from './asking.ts'
import type {
  ApiAccount,
  ApiApproval,
  ApiAttributes,
  ApiDetails,
  ApiDirect,
  ApiExplanation,
  ApiIssuedKey,
  ApiIssueKey,
  ApiIssueTicket,
  ApiKey,
  ApiLeakedKey,
  ApiLedger,
  ApiLedgerEntry,
  ApiLedgerQuery,
  ApiLimitsChange,
  ApiListing,
  ApiMakeFolder,
  ApiMove,
  ApiNode,
  ApiPanic,
  ApiQuestion,
  ApiRemote,
  ApiRemove,
  ApiRemoved,
  ApiScan,
  ApiShare,
  ApiShared,
  ApiStat,
  ApiStatus,
  ApiStored,
  ApiTicket,
  ApiTransfer,
  ApiTrashed,
  ApiUnwrappedKey,
  ApiWrappedKey,
} from './contract.ts'
import { type Address, type Content, createFetchTransport, type Transport } from './transport.ts'

/**
 * A gateway, as a program sees it: one method for each route of `contract.ts`.
 *
 * `at` names a file or folder: a path (`/folder/file`), `folder:123`, or a link of 1fichier.
 * Every method rejects with a `GatewayError` and can be cancelled by its signal. No method asks twice.
 */
export interface Guichet {
  stat(at: string, call?: ApiCall): Promise<ApiNode>
  /** One folder. `refresh` asks 1fichier even if the gateway knows. */
  list(at: string, call?: ApiCall & { readonly refresh?: boolean }): Promise<ApiListing>
  /** Resolves when 1fichier has the file, verified; with `wait: false` as soon as it is safe in the spool. */
  put(at: string, content: Content, options: PutOptions): Promise<ApiStored>
  get(at: string, options?: GetOptions): Promise<FileContent>
  transfer(id: string, call?: ApiCall): Promise<ApiTransfer>
  transfers(call?: ApiCall): Promise<readonly ApiTransfer[]>

  makeFolder(folder: ApiMakeFolder, call?: ApiCall): Promise<ApiNode>
  move(move: ApiMove, call?: ApiCall): Promise<readonly ApiNode[]>
  copy(copy: ApiMove, call?: ApiCall): Promise<readonly ApiNode[]>
  /** For good: 1fichier has no trash. `dryRun` only counts. */
  remove(remove: ApiRemove, call?: ApiCall): Promise<ApiRemoved>
  share(share: ApiShare, call?: ApiCall): Promise<ApiShared>
  attributes(at: string, call?: ApiCall): Promise<ApiDetails>
  changeAttributes(changes: ApiAttributes, call?: ApiCall): Promise<readonly ApiNode[]>
  /** A file with a virus is deleted by 1fichier. */
  scan(at: string, call?: ApiCall): Promise<ApiScan>
  /** A short-lived link straight to 1fichier. */
  direct(at: string, call?: ApiCall): Promise<ApiDirect>
  /** A link to one file for whoever has no key. */
  ticket(ticket: ApiIssueTicket, call?: ApiCall): Promise<ApiTicket>

  startRemote(remote: StartRemote, call?: ApiCall): Promise<ApiRemote>
  remotes(call?: ApiCall): Promise<readonly ApiRemote[]>
  remote(id: number, call?: ApiCall): Promise<ApiRemote>
  account(call?: ApiCall): Promise<ApiAccount>

  issueKey(key: ApiIssueKey, call?: ApiCall): Promise<ApiIssuedKey>
  keys(call?: ApiCall): Promise<readonly ApiKey[]>
  key(id: string, call?: ApiCall): Promise<ApiKey>
  /** As `issueKey`, with a token that fetches the text once instead of the text. */
  wrapKey(key: ApiIssueKey & { readonly wrapMs: number }, call?: ApiCall): Promise<ApiWrappedKey>
  /** Needs no key. */
  unwrapKey(token: string, call?: ApiCall): Promise<ApiUnwrappedKey>
  explain(question: ApiQuestion, call?: ApiCall): Promise<ApiExplanation>
  /** By id or name; with all that were issued under it. */
  revokeKey(id: string, call?: ApiCall): Promise<ApiKey>
  /** Another text for the same key; the one it had is good for so long still. */
  rotateKey(id: string, overlapMs: number, call?: ApiCall): Promise<ApiIssuedKey>
  /** Other limits for a living key; what it has used up counts on. Owner only. */
  limitKey(id: string, change: ApiLimitsChange, call?: ApiCall): Promise<ApiKey>
  /** Ends the keys with these texts; null where a text opens nothing there. */
  revokeLeaked(texts: readonly string[], call?: ApiCall): Promise<readonly (ApiLeakedKey | null)[]>
  /** Deletions that wait for a person. */
  approvals(call?: ApiCall): Promise<readonly ApiApproval[]>
  approval(id: string, call?: ApiCall): Promise<ApiApproval>
  /** What keys with a trash have deleted. */
  trash(call?: ApiCall): Promise<readonly ApiTrashed[]>
  restoreTrash(ids: readonly string[], call?: ApiCall): Promise<readonly ApiTrashed[]>
  emptyTrash(what: 'all' | 'due', call?: ApiCall): Promise<readonly ApiTrashed[]>
  approve(id: string, decision: 'yes' | 'no', call?: ApiCall): Promise<ApiApproval>
  status(call?: ApiCall): Promise<ApiStatus>
  /** Who asked what and what was decided, newest first. */
  ledger(query?: ApiLedgerQuery, call?: ApiCall): Promise<readonly ApiLedgerEntry[]>
  ledgerCheckpoint(call?: ApiCall): Promise<ApiLedger>
  /** Goes on after a permanent refusal that a person has mended. */
  resume(call?: ApiCall): Promise<void>
  /** Writes into the ledger what the owner has done past the gateway, to the vault for instance. */
  note(what: string, call?: ApiCall): Promise<void>
  /** From now on nothing goes upstream. */
  seal(call?: ApiCall): Promise<void>
  /** Seals, and revokes every virtual key. */
  panic(call?: ApiCall): Promise<ApiPanic>
}

export interface PutOptions extends ApiCall {
  readonly sizeBytes: number
  /** Makes missing folders. */
  readonly parents?: boolean
  /** Other files of the same folder follow at once and may share a request. */
  readonly more?: boolean
  /** Replaces a file of that name. */
  readonly overwrite?: boolean
  readonly wait?: boolean
  /** Refuse content that differs. */
  readonly whirlpool?: string | undefined
}

export interface GetOptions extends ApiCall {
  readonly range?: ByteRange
}

export interface FileContent {
  /** The first byte of `body` within the file; 0 where the gateway did not honour the range. */
  readonly startByte: number
  /** How many bytes `body` promises. */
  readonly lengthBytes: number | undefined
  readonly whirlpool: string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export interface StartRemote {
  readonly urls: readonly string[]
  readonly at: string
  /** What 1fichier sends along when it fetches the addresses. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Connects by address and virtual key over `fetch`, or by a transport of one's own. Opens nothing: there is nothing to close. */
export function connectGuichet(to: Address | { readonly transport: Transport }): Guichet {
  const transport = 'transport' in to ? to.transport : createFetchTransport(to)
  return {
    ...contents(transport),
    ...changes(transport),
    ...administration(transport),
  }
}

function contents(
  transport: Transport,
): Pick<Guichet, 'stat' | 'list' | 'put' | 'get' | 'transfer' | 'transfers'> {
  return {
    stat: async (at, call) => (await ask<ApiStat>(transport, 'GET', route('nodes', { at }), call)).node,
    list: (at, call) =>
      ask(transport, 'GET', route('children', { at, refresh: call?.refresh === true }), call),
    async put(at, content, options) {
      const { sizeBytes, whirlpool, signal, wait, parents, more, overwrite } = options
      const query = { at, parents, more, overwrite, ...(wait === false ? { wait: '0' } : {}) }
      const response = await transport({
        method: 'PUT',
        path: route('content', query),
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(sizeBytes),
          ...(whirlpool === undefined ? {} : { 'x-guichet-whirlpool': whirlpool }),
        },
        body: content,
        signal,
      })
      return readJson(response)
    },
    async get(at, options = {}) {
      const response = await transport({
        method: 'GET',
        path: route('content', { at }),
        headers: options.range === undefined ? {} : { range: rangeText(options.range) },
        signal: options.signal,
      })
      await requireSuccess(response)
      const { headers, body, status } = response
      const length = headers['content-length']
      return {
        startByte:
          status === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0) : 0,
        lengthBytes: length === undefined ? undefined : Number(length),
        whirlpool: headers['x-guichet-whirlpool'],
        body,
      }
    },
    transfer: (id, call) => ask(transport, 'GET', route(`transfers/${encodeURIComponent(id)}`), call),
    transfers: async (call) =>
      (await ask<{ transfers: readonly ApiTransfer[] }>(transport, 'GET', route('transfers'), call))
        .transfers,
  }
}

function changes(
  transport: Transport,
): Pick<
  Guichet,
  | 'makeFolder'
  | 'move'
  | 'copy'
  | 'remove'
  | 'share'
  | 'attributes'
  | 'changeAttributes'
  | 'scan'
  | 'direct'
  | 'ticket'
  | 'startRemote'
  | 'remotes'
  | 'remote'
> {
  type Nodes = { readonly nodes: readonly ApiNode[] }
  const post = <Shape>(path: string, body: object, call: ApiCall | undefined): Promise<Shape> =>
    ask<Shape>(transport, 'POST', route(path), call, body)
  return {
    makeFolder: async (folder, call) => (await post<ApiStat>('folders', folder, call)).node,
    move: async (move, call) => (await post<Nodes>('move', move, call)).nodes,
    copy: async (copy, call) => (await post<Nodes>('copy', copy, call)).nodes,
    remove: (remove, call) => post('remove', remove, call),
    share: (share, call) => post('share', share, call),
    attributes: (at, call) => ask(transport, 'GET', route('attributes', { at }), call),
    changeAttributes: async (changed, call) => (await post<Nodes>('attributes', changed, call)).nodes,
    scan: (at, call) => post('scan', { at }, call),
    direct: (at, call) => post('direct', { at }, call),
    ticket: (ticket, call) => post('tickets', ticket, call),
    startRemote: (remote, call) => post('remote', remote, call),
    remotes: async (call) =>
      (await ask<{ remotes: readonly ApiRemote[] }>(transport, 'GET', route('remote'), call)).remotes,
    remote: (id, call) => ask(transport, 'GET', route(`remote/${id}`), call),
  }
}

function rangeText(range: ByteRange): string {
  return `bytes=${range.startByte}-${range.endByte ?? ''}`
}
