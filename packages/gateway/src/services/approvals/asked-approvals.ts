import {
  type ApprovalRule,
  type Budget,
  type BudgetHolder,
  type Clock,
  type FolderId,
  GatewayError,
  type KeyId,
} from '@guichet/core'
import type { Budgets, Reservation } from '../budgets/budgets.ts'
import type { Doomed } from '../destruction.ts'
import type { Caller, Gate } from '../gate.ts'
import type { Principal } from '../principals.ts'
import type { Approvals } from './approvals.ts'
import { type Answer, countsText, Grants, gather, idOf, noRequest, type Open, requestOf } from './requests.ts'

/** More are not kept waiting at one time. */
const OPEN_MAX = 500
/** Only so many paths are looked up for a person to see. */
const PATHS_MAX = 20

export interface ApprovalsOptions {
  readonly budgets: Pick<Budgets, 'within'>
  readonly gate: Pick<Gate, 'deny' | 'note' | 'permitOwner'>
  readonly pathOf: (folder: FolderId) => Promise<string>
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
  readonly timeoutMs: number
}

export function createApprovals(options: ApprovalsOptions): Approvals {
  return new AskedApprovals(options)
}

class AskedApprovals implements Approvals {
  readonly #options: ApprovalsOptions
  readonly #open = new Map<string, Open>()
  readonly #grants = new Grants()
  readonly #over = new AbortController()

  constructor(options: ApprovalsOptions) {
    this.#options = options
  }

  async require(caller: Caller, doomed: Doomed): Promise<Reservation> {
    const holders = this.#holdersOf(caller.principal)
    if (holders.length === 0) return NOTHING
    const { key } = caller.principal
    const rest = this.#grants.without(key, doomed, this.#nowMs())
    const unasked = await this.#unasked(holders, rest)
    if (unasked === undefined) await this.#ask(caller, rest)
    this.#grants.use(key, doomed)
    return unasked ?? NOTHING
  }

  async prepare(caller: Caller, doomed: Doomed): Promise<void> {
    const { key } = caller.principal
    const holders = this.#holdersOf(caller.principal)
    if (holders.length === 0) return
    const rest = this.#grants.without(key, doomed, this.#nowMs())
    const unasked = await this.#unasked(holders, rest)
    if (unasked !== undefined) return unasked.settle({})
    const open = await this.#ask(caller, rest)
    this.#grants.add(key, open.items, this.#nowMs())
  }

  async list(caller: Caller): ReturnType<Approvals['list']> {
    await this.#options.gate.permitOwner(caller, 'list what waits for approval')
    return [...this.#open.values()].map(requestOf)
  }

  async get(caller: Caller, id: string): ReturnType<Approvals['get']> {
    await this.#options.gate.permitOwner(caller, `look at the approval ${id.slice(0, 40)}`)
    const open = this.#open.get(id.split('.')[0] ?? '')
    if (open === undefined) throw noRequest(id)
    return requestOf(open)
  }

  async decide(caller: Caller, id: string, decision: 'yes' | 'no'): ReturnType<Approvals['decide']> {
    const open = await this.get(caller, id).then(() => this.#open.get(id.split('.')[0] ?? ''))
    if (open === undefined) throw noRequest(id)
    if (decision === 'yes' && idOf(open) !== id) {
      throw new GatewayError('conflict', `more is asked for by now: ${countsText(open)}`, {
        hint: `look at it with \`guichet approve show ${idOf(open)}\`, then say yes to that`,
      })
    }
    const request = requestOf(open)
    const said = decision === 'yes' ? 'approve' : 'refuse'
    await this.#options.gate.permitOwner(
      caller,
      `${said} ${request.id} of ${request.key}: delete ${countsText(open)}`,
    )
    // Somebody else, or the clock, may have been quicker.
    if (!this.#open.delete(open.name)) throw noRequest(id)
    if (decision === 'yes' && !open.isWaiting) this.#grants.add(request.key, open.items, this.#nowMs())
    open.answered.resolve(decision)
    return request
  }

  withdraw(key: KeyId): void {
    for (const open of this.#open.values()) {
      if (open.caller.principal.key !== key) continue
      this.#open.delete(open.name)
      open.answered.resolve('no')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new GatewayError('unavailable', 'the gateway is stopping'))
    for (const { answered } of this.#open.values()) answered.resolve('no')
    this.#open.clear()
  }

  #nowMs(): number {
    return this.#options.clock.nowMs()
  }

  /** What goes without anybody being asked, counted; nothing when it is too much. */
  #unasked(holders: readonly BudgetHolder[], { files, folders }: Doomed): Promise<Reservation | undefined> {
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    return this.#options.budgets.within(holders, {
      unasked: files.length + folders.length,
      'unasked-bytes': bytes,
    })
  }

  /** Resolves after a yes, for a client that waits; rejects for one that does not. */
  async #ask(caller: Caller, doomed: Doomed): Promise<Open> {
    const { gate } = this.#options
    const isWaiting = caller.door === 'api' || caller.door === 'admin'
    const open = (isWaiting ? undefined : this.#gathered(caller)) ?? this.#begin(caller, isWaiting)
    gather(open, doomed, await this.#paths(doomed))
    const target = `${idOf(open)}: ${countsText(open)}`
    if (!isWaiting) throw await gate.deny({ caller, verb: 'delete', target }, askOwner(caller, open))
    await gate.note(caller, 'delete', `waits for approval ${target}`)
    const answer = await this.#answerOf(open)
    if (answer === 'yes') return open
    throw await gate.deny({ caller, verb: 'delete', target }, refusal(caller, open, answer))
  }

  #gathered({ principal }: Caller): Open | undefined {
    return this.#open.values().find((open) => !open.isWaiting && open.caller.principal.key === principal.key)
  }

  #begin(caller: Caller, isWaiting: boolean): Open {
    if (this.#open.size >= OPEN_MAX) {
      throw new GatewayError('needs-approval', `${OPEN_MAX} deletions wait for approval already`, {
        hint: 'the owner answers them with `guichet approve`',
      })
    }
    const { random, timeoutMs } = this.#options
    const letters = [...random(6)].map((byte) => 'abcdefghijkmnpqrstuvwxyz23456789'[byte % 32]).join('')
    const [nowMs, count] = [this.#nowMs(), { revision: 0, files: 0, folders: 0, bytes: 0 }]
    const open: Open = {
      ...{ name: `a-${letters}`, caller, isWaiting, items: new Set(), examples: [], ...count },
      ...{ askedMs: nowMs, untilMs: nowMs + timeoutMs, answered: Promise.withResolvers<Answer>() },
    }
    this.#open.set(open.name, open)
    void this.#expire(open)
    return open
  }

  async #expire(open: Open): Promise<void> {
    const { clock, gate, timeoutMs } = this.#options
    const isOver = new AbortController()
    void open.answered.promise.then(() => isOver.abort())
    try {
      await clock.sleep(timeoutMs, AbortSignal.any([this.#over.signal, isOver.signal]))
      if (!this.#open.delete(open.name)) return
      open.answered.resolve('timeout')
      const target = `${idOf(open)}: ${countsText(open)}`
      // A client that waits is told, and its refusal recorded, where it waits.
      if (!open.isWaiting)
        await gate.deny(
          { caller: open.caller, verb: 'delete', target },
          refusal(open.caller, open, 'timeout'),
        )
    } catch {
      // It was answered, or the gateway stops; a ledger that cannot be written has stopped everything else as well.
    }
  }

  /** A client that leaves asks for nothing any more. */
  async #answerOf(open: Open): Promise<Answer> {
    const { signal } = open.caller
    const left = (): void => {
      if (this.#open.delete(open.name)) open.answered.resolve('no')
    }
    signal?.addEventListener('abort', left, { once: true })
    if (signal?.aborted === true) left()
    try {
      const answer = await open.answered.promise
      signal?.throwIfAborted()
      return answer
    } finally {
      signal?.removeEventListener('abort', left)
    }
  }

  async #paths({ files, folders }: Doomed): Promise<readonly string[]> {
    const { pathOf } = this.#options
    const paths = []
    for (const { folder, name } of files.slice(0, PATHS_MAX))
      paths.push(`${await pathOf(folder)}/${name}`.replace('//', '/'))
    for (const { id } of folders.slice(0, PATHS_MAX)) paths.push(await pathOf(id))
    return paths
  }

  /** The rules of the key and of those above it, as budgets of what goes unasked. */
  #holdersOf({ key, limits, ancestors = [] }: Principal): readonly BudgetHolder[] {
    return [{ key, limits }, ...ancestors].flatMap(({ key: holder, limits: { approval } }) =>
      approval === undefined ? [] : { holder, budgets: budgetsOf(approval) },
    )
  }
}

const NOTHING: Reservation = { settle: () => undefined }

function budgetsOf({ overFiles, overBytes }: ApprovalRule): readonly Budget[] {
  return [
    ...(overFiles === undefined ? [] : [{ measure: 'unasked', max: overFiles, per: 'day' } as const]),
    ...(overBytes === undefined ? [] : [{ measure: 'unasked-bytes', max: overBytes, per: 'day' } as const]),
  ]
}

function askOwner({ principal }: Caller, open: Open): GatewayError {
  return new GatewayError(
    'needs-approval',
    `the key "${principal.name}" deletes so much only when a person agrees: ${countsText(open)} wait as ${idOf(open)}`,
    {
      hint: `the owner runs \`guichet approve yes ${idOf(open)}\`; then ask again`,
      facts: { approval: idOf(open) },
    },
  )
}

function refusal({ principal }: Caller, open: Open, answer: 'no' | 'timeout'): GatewayError {
  const what = `${countsText(open)} by the key "${principal.name}"`
  return answer === 'no'
    ? new GatewayError('forbidden', `the owner has refused to delete ${what} (${idOf(open)})`, {
        hint: 'ask the owner, or delete less',
      })
    : new GatewayError('needs-approval', `nobody has agreed in time to delete ${what} (${idOf(open)})`, {
        hint: 'ask again when the owner is there to run `guichet approve`',
      })
}
