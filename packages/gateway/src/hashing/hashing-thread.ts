import { Worker } from 'node:worker_threads'
import { GatewayError } from '@guichet/core'
import type { FromWorker, ToWorker } from './whirlpool-worker.ts'

/** How much content one thread may owe to its digests. */
export const IN_FLIGHT_BYTES_MAX: number = 8 * 1024 * 1024
export const BLOCK_BYTES: number = 512 * 1024

/**
 * One worker thread with the digests that are under way in it.
 * Started by the first question; keeps the process alive only while it owes an answer.
 */
export class HashingThread implements AsyncDisposable {
  #worker: Worker | undefined
  #nextHash = 1
  #inFlightBytes = 0
  readonly #live = new Set<number>()
  readonly #owed = new Map<number, Owed>()
  readonly #spare: ArrayBuffer[] = []
  #roomWaiters: (() => void)[] = []

  /** How many digests are under way. */
  get load(): number {
    return this.#live.size
  }

  begin(): number {
    const hash = this.#nextHash
    this.#nextHash += 1
    this.#live.add(hash)
    return hash
  }

  /** An empty block to be filled and given to `update`. */
  block(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(BLOCK_BYTES)
  }

  /** Takes the block over; resolves when this thread has room for one more. */
  async update(hash: number, buffer: ArrayBuffer, lengthBytes: number): Promise<void> {
    this.#throwIfFailed(hash)
    this.#inFlightBytes += buffer.byteLength
    this.#owe(hash).blocks += 1
    this.#post({ kind: 'update', hash, buffer, lengthBytes }, [buffer])
    while (this.#inFlightBytes >= IN_FLIGHT_BYTES_MAX && this.#live.has(hash)) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
    this.#throwIfFailed(hash)
  }

  async digest(hash: number): Promise<string> {
    this.#throwIfFailed(hash)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#owe(hash).digest = { resolve, reject }
    this.#post({ kind: 'digest', hash }, [])
    return await promise
  }

  abandon(hash: number): void {
    if (!this.#live.delete(hash)) return
    if (this.#worker !== undefined) this.#post({ kind: 'abandon', hash }, [])
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker
    this.#lose('the hashing threads are closed')
    await worker?.terminate()
  }

  #owe(hash: number): Owed {
    const owed = this.#owed.get(hash) ?? { blocks: 0, digest: undefined }
    this.#owed.set(hash, owed)
    return owed
  }

  #post(message: ToWorker, transfer: ArrayBuffer[]): void {
    this.#worker ??= this.#start()
    if (this.#owed.size > 0) this.#worker.ref()
    this.#worker.postMessage(message, transfer)
  }

  #start(): Worker {
    const worker = new Worker(new URL('./whirlpool-worker.ts', import.meta.url), { name: 'whirlpool' })
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
    const { hash } = message
    const owed = this.#owed.get(hash)
    if (message.kind === 'taken') {
      this.#inFlightBytes -= message.buffer.byteLength
      if (this.#spare.length * BLOCK_BYTES < IN_FLIGHT_BYTES_MAX) this.#spare.push(message.buffer)
      if (owed !== undefined) owed.blocks -= 1
    } else {
      this.#live.delete(hash)
      owed?.digest?.resolve(message.hex)
      if (owed !== undefined) owed.digest = undefined
    }
    if (owed !== undefined && owed.blocks <= 0 && owed.digest === undefined) this.#owed.delete(hash)
    if (this.#owed.size === 0) this.#worker?.unref()
    this.#wake()
  }

  /** Every digest under way is lost with the thread; the next one starts another. */
  #lose(message: string): void {
    this.#worker = undefined
    this.#live.clear()
    this.#inFlightBytes = 0
    const lost = [...this.#owed.values()]
    this.#owed.clear()
    for (const owed of lost) owed.digest?.reject(broken(message))
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const wake of waiters) wake()
  }

  #throwIfFailed(hash: number): void {
    if (!this.#live.has(hash)) throw broken('the digest was lost')
  }
}

interface Owed {
  blocks: number
  digest: { readonly resolve: (hex: string) => void; readonly reject: (failure: Error) => void } | undefined
}

function broken(message: string): GatewayError {
  return new GatewayError('internal', message, { hint: 'send the file again' })
}
