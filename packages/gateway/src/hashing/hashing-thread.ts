import { Worker } from 'node:worker_threads'
import { GatewayError } from '@guichet/core'
import type { FromWorker, ToWorker } from './whirlpool-worker.ts'

/**
 * One worker thread with the digests that are under way in it.
 * Started by the first question; keeps the process alive only while it owes an answer.
 */
export class HashingThread implements AsyncDisposable {
  #worker: Worker | undefined
  #nextHash = 1
  readonly #live = new Set<number>()
  /** Questions without an answer. The thread answers them in their order. */
  #owed: Owed[] = []

  /** How many digests are under way. */
  get load(): number {
    return this.#live.size
  }

  /** Begins a digest of what its blocks will hold. */
  begin(blocks: readonly SharedArrayBuffer[]): number {
    const hash = this.#nextHash
    this.#nextHash += 1
    this.#live.add(hash)
    this.#post({ kind: 'begin', hash, blocks })
    return hash
  }

  /** Resolves when the block may be filled again. */
  async update(hash: number, block: number, lengthBytes: number): Promise<void> {
    await this.#ask(hash, { kind: 'update', hash, block, lengthBytes })
  }

  async digest(hash: number): Promise<string> {
    const hex = await this.#ask(hash, { kind: 'digest', hash })
    this.#live.delete(hash)
    return hex
  }

  abandon(hash: number): void {
    if (this.#live.delete(hash)) this.#post({ kind: 'abandon', hash })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker
    this.#lose('the hashing threads are closed')
    await worker?.terminate()
  }

  async #ask(hash: number, question: ToWorker): Promise<string> {
    if (!this.#live.has(hash)) throw broken('the digest was lost')
    return await new Promise<string>((resolve, reject) => {
      this.#owed.push({ resolve, reject })
      this.#post(question)
      this.#worker?.ref()
    })
  }

  #post(message: ToWorker): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(message)
  }

  #start(): Worker {
    const worker = new Worker(new URL('./whirlpool-worker.ts', import.meta.url), {
      name: 'whirlpool',
      // Its content is outside of its heap.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    })
    worker.unref()
    worker.on('message', (message: FromWorker) => this.#hear(message))
    worker.on('error', (failure) => {
      if (this.#worker === worker) this.#lose(`a hashing thread broke: ${failure.message}`)
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#lose('a hashing thread ended')
    })
    return worker
  }

  #hear(message: FromWorker): void {
    this.#owed.shift()?.resolve(message)
    if (this.#owed.length === 0) this.#worker?.unref()
  }

  /** Every digest under way is lost with the thread; the next one starts another. */
  #lose(message: string): void {
    this.#worker = undefined
    this.#live.clear()
    const lost = this.#owed
    this.#owed = []
    for (const { reject } of lost) reject(broken(message))
  }
}

interface Owed {
  readonly resolve: (answer: string) => void
  readonly reject: (failure: Error) => void
}

function broken(message: string): GatewayError {
  return new GatewayError('internal', message, { hint: 'send the file again' })
}
