import {
  type FolderId,
  GatewayError,
  type KeyId,
  ROOT,
  type Transfer,
  type UploadTarget,
} from '@guichet/core'
import { follow } from './follow.ts'
import { UploadHold } from './hold.ts'
import { growingMs, UPLOADER_LIMITS } from './limits.ts'
import { type UploadNews, UploadProgress } from './progress.ts'
import { UploadQueue } from './queue.ts'
import { takeUp } from './recover.ts'
import { sendBatch } from './send.ts'
import type { Uploader, UploaderOptions, UploaderStatus } from './uploader.ts'
import type { Batch, UploadWork } from './work.ts'

export function startUploader(options: UploaderOptions): Uploader {
  return new PatientUploader(options)
}

class PatientUploader implements Uploader {
  readonly #work: UploadWork
  readonly #queue: UploadQueue
  readonly #stop = new AbortController()
  readonly #cut = new AbortController()
  /** Folders for which a request waits for its turn. */
  readonly #asking = new Set<FolderId>()
  readonly #serving = new Set<Promise<void>>()
  readonly #follows = new Set<Promise<void>>()
  #poke: () => void = () => {}
  #isRunning = false
  #loop: Promise<void> = Promise.resolve()
  #failures = 0
  #pausedUntilMs = 0
  #pauseMs = 0
  readonly #hold: UploadHold
  #refusal: GatewayError | undefined
  #trouble: GatewayError | undefined

  constructor(options: UploaderOptions) {
    const limits = { ...UPLOADER_LIMITS, ...options.limits }
    const { clock, journal, log, tree, host, spool, facts, reaches } = options
    this.#hold = new UploadHold({ facts, clock, log })
    this.#queue = new UploadQueue(limits, options.lingerMs)
    const stop = this.#stop.signal
    this.#work = {
      host,
      tree,
      journal,
      content: spool,
      reaches,
      clock,
      limits,
      log,
      progress: new UploadProgress({ journal, clock, limits, log, stop }),
      damaged: new Map(),
      stop,
      cut: this.#cut.signal,
      putBack: (transfers, groupMax) => {
        this.#queue.putBack(transfers, groupMax, clock.nowMs())
        this.#poke()
      },
      release: (transfers) => {
        this.#queue.finish(transfers)
        this.#poke()
      },
      pause: (error) => {
        if (error.code === 'account-refused') this.#hold.hold(error)
        this.#recordFailure(error)
      },
      refused: (error) => this.#refuse(error),
      trouble: (error) => {
        this.#trouble = error
      },
      reported: () => {
        if (!this.#hold.isHeld) this.#refusal = undefined
      },
    }
  }

  async recover(): Promise<void> {
    const { waiting, batches } = await takeUp(this.#work)
    for (const { batch, stage } of batches) {
      this.#queue.hold(batch.left)
      this.#follow(batch, stage)
    }
    for (const transfer of waiting) this.#queue.offer([transfer], { more: false }, this.#work.clock.nowMs())
    this.#refusal = await this.#hold.load()
    this.#isRunning = true
    this.#loop = this.#run()
  }

  offer(transfers: readonly Transfer[], options: { readonly more: boolean }): void {
    this.#queue.offer(transfers, options, this.#work.clock.nowMs())
    this.#poke()
  }

  watch(listener: (news: UploadNews) => void): Disposable {
    return this.#work.progress.watch(listener)
  }

  refusal(): GatewayError | undefined {
    return this.#refusal
  }

  trouble(): GatewayError | undefined {
    return this.#trouble
  }

  resume(): void {
    this.#hold.release()
    this.#refusal = undefined
    this.#failures = 0
    this.#pausedUntilMs = 0
    this.#poke()
  }

  status(): UploaderStatus {
    const waiting = this.#queue.size
    return {
      waiting,
      sending: this.#serving.size,
      following: this.#follows.size,
      isFull: waiting >= this.#work.limits.waitingMax,
      pausedUntilMs: this.#pausedUntilMs > this.#work.clock.nowMs() ? this.#pausedUntilMs : undefined,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRunning = false
    this.#stop.abort(new GatewayError('unavailable', 'the gateway is stopping'))
    this.#poke()
    await this.#loop
    const over = new AbortController()
    const patience = this.#work.clock.sleep(this.#work.limits.stopMs, over.signal).catch(() => {})
    await Promise.race([Promise.all(this.#serving), patience])
    over.abort()
    this.#cut.abort(new GatewayError('unavailable', 'the gateway is stopping'))
    await Promise.all([...this.#serving, ...this.#follows])
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      const { promise: poked, resolve } = Promise.withResolvers<void>()
      this.#poke = resolve
      const waitMs = this.#startNext()
      if (waitMs === 0) continue
      await this.#pause(waitMs, poked)
    }
  }

  /** Begins one request if one may begin; else says how long until one may, if time alone decides. */
  #startNext(): number | undefined {
    const { clock, limits } = this.#work
    const nowMs = clock.nowMs()
    if (this.#hold.isHeld || this.#serving.size >= limits.inFlightMax) return undefined
    if (this.#follows.size >= limits.followedMax) return undefined
    // However far the clock is set back, a pause is no longer than it was at first.
    this.#pausedUntilMs = Math.min(this.#pausedUntilMs, nowMs + this.#pauseMs)
    if (this.#pausedUntilMs > nowMs) return this.#pausedUntilMs - nowMs
    const next = this.#queue.next(nowMs, this.#asking)
    if (next.kind === 'wait') return next.waitMs
    this.#serve(next.folder, next.key)
    return 0
  }

  async #pause(waitMs: number | undefined, poked: Promise<void>): Promise<void> {
    if (waitMs === undefined) return await poked
    const over = new AbortController()
    const slept = this.#work.clock.sleep(waitMs, over.signal).catch(() => {})
    await Promise.race([poked, slept])
    over.abort()
  }

  #serve(folder: FolderId, key: KeyId | 'owner'): void {
    // `#serveFolder` runs up to its first wait at once, so that the folder counts as asked for from here on.
    const served = this.#serveFolder(folder, key)
      .catch((failure: unknown) => this.#recordFailure(GatewayError.from(failure)))
      .finally(() => {
        this.#serving.delete(served)
        this.#poke()
      })
    this.#serving.add(served)
  }

  /** The files are chosen after the turn has come: what arrived while it was waited for goes along. */
  async #serveFolder(folder: FolderId, key: KeyId | 'owner'): Promise<void> {
    const target = await this.#askTarget(folder, key)
    const transfers = target === undefined ? [] : this.#queue.take(folder, this.#work.clock.nowMs())
    if (target === undefined || transfers.length === 0) return
    const sent = await sendBatch(this.#work, target, transfers)
    if (sent.kind === 'nothing') return
    if (sent.kind === 'accepted') {
      this.#failures = 0
      this.#pausedUntilMs = 0
      if (!this.#hold.isHeld) this.#refusal = undefined
      if (!this.#hold.isHeld) this.#trouble = undefined
    }
    this.#follow(sent.batch, sent.kind === 'accepted' ? 'reporting' : 'doubtful')
  }

  async #askTarget(folder: FolderId, key: KeyId | 'owner'): Promise<UploadTarget | undefined> {
    this.#asking.add(folder)
    try {
      if (!(await this.#requireFolder(folder, key))) return undefined
      const host = this.#work.host({ key, priority: 'write' })
      return await host.uploadTarget({ signal: this.#stop.signal })
    } finally {
      this.#asking.delete(folder)
    }
  }

  /** An unknown folder id would silently mean the root (wire.md §6.2), so that it is looked up first. */
  async #requireFolder(id: FolderId, key: KeyId | 'owner'): Promise<boolean> {
    const { tree, clock, stop, progress } = this.#work
    if (id === ROOT || (await tree.folder(id)) !== undefined) return true
    const askedMs = clock.nowMs()
    try {
      const listing = await this.#work.host({ key, priority: 'write' }).listFolder(id, { signal: stop })
      await tree.applyListing(listing, askedMs, clock.nowMs())
      return true
    } catch (failure) {
      if (GatewayError.from(failure).code !== 'not-found') throw failure
      await progress.fail(this.#queue.takeAll(id), 'not-found', `there is no folder ${id} any more`)
      return false
    }
  }

  #follow(batch: Batch, stage: 'reporting' | 'doubtful'): void {
    const followed = follow(this.#work, batch, stage)
      .catch((failure: unknown) => {
        if (this.#stop.signal.aborted) return
        this.#work.log?.error({ cause: String(failure), xid: batch.xid }, 'an upload could not be followed')
        return this.#followAgain(batch)
      })
      .finally(() => {
        this.#follows.delete(followed)
        this.#poke()
      })
    this.#follows.add(followed)
  }

  /** A store failed in the middle of it: what is open is proven from the start. */
  async #followAgain(batch: Batch): Promise<void> {
    try {
      await this.#work.clock.sleep(this.#work.limits.retry.longestMs, this.#stop.signal)
      this.#follow(batch, 'doubtful')
    } catch {
      // Stopping: the journal says where to go on.
    }
  }

  #recordFailure(error: GatewayError): void {
    const { clock, limits, log, stop } = this.#work
    if (stop.aborted) return
    const waitMs = Math.max(growingMs(limits.retry, this.#failures), error.retryAfterMs ?? 0)
    this.#failures += 1
    this.#trouble = error
    this.#pauseMs = waitMs
    this.#pausedUntilMs = clock.nowMs() + waitMs
    log?.warn({ code: error.code, waitMs, ...error.facts }, `uploads wait: ${error.message}`)
    if (error.code === 'account-refused') this.#refuse(error)
  }

  #refuse(error: GatewayError): void {
    this.#refusal = error
    this.#work.progress.tell({ kind: 'refused', error })
  }
}
