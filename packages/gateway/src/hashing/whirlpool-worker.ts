import { parentPort } from 'node:worker_threads'
import { createWhirlpool, type Digester } from './digester.ts'

/** What the thread is asked: `hash` names one of many digests that are under way in it. */
export type ToWorker =
  | {
      readonly kind: 'update'
      readonly hash: number
      readonly buffer: ArrayBuffer
      readonly lengthBytes: number
    }
  | { readonly kind: 'digest'; readonly hash: number }
  | { readonly kind: 'abandon'; readonly hash: number }

/** What it answers, in the order of the questions; `taken` gives the buffer back. A failure ends the thread. */
export type FromWorker =
  | { readonly kind: 'taken'; readonly hash: number; readonly buffer: ArrayBuffer }
  | { readonly kind: 'digest'; readonly hash: number; readonly hex: string }

const port = parentPort
if (port === null) throw new Error('this file is the main file of a worker thread')

const digesters = new Map<number, Digester>()
// Making a WebAssembly digester is asynchronous: one chain for all messages keeps their order.
let turn: Promise<void> = Promise.resolve()

port.on('message', (message: ToWorker) => {
  turn = turn.then(() => answer(message))
})

async function answer(message: ToWorker): Promise<void> {
  const { hash } = message
  if (message.kind === 'abandon') {
    digesters.delete(hash)
    return
  }
  const digester = digesters.get(hash) ?? (await createWhirlpool())
  digesters.set(hash, digester)
  if (message.kind === 'update') {
    digester.update(new Uint8Array(message.buffer, 0, message.lengthBytes))
    tell({ kind: 'taken', hash, buffer: message.buffer }, [message.buffer])
    return
  }
  digesters.delete(hash)
  tell({ kind: 'digest', hash, hex: digester.digest() }, [])
}

function tell(message: FromWorker, transfer: ArrayBuffer[]): void {
  port?.postMessage(message, transfer)
}
