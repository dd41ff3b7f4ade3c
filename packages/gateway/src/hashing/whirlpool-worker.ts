import { parentPort } from 'node:worker_threads'
import { createWhirlpool, type Digester } from './digester.ts'

/** What the thread is asked: `hash` names one of many digests that are under way in it. */
export type ToWorker =
  | { readonly kind: 'begin'; readonly hash: number; readonly blocks: readonly SharedArrayBuffer[] }
  | {
      readonly kind: 'update'
      readonly hash: number
      readonly block: number
      readonly lengthBytes: number
    }
  | { readonly kind: 'digest'; readonly hash: number }
  | { readonly kind: 'abandon'; readonly hash: number }

/** The answer to each `update` (empty) and `digest` (hexadecimal), in their order. A failure ends the thread. */
export type FromWorker = string

interface Hash {
  readonly blocks: readonly SharedArrayBuffer[]
  readonly digester: Digester
}

const port = parentPort
if (port === null) throw new Error('this file is the main file of a worker thread')

const hashes = new Map<number, Hash>()
// Making a WebAssembly digester is asynchronous: one chain for all messages keeps their order.
let turn: Promise<void> = Promise.resolve()

port.on('message', (message: ToWorker) => {
  turn = turn.then(() => answer(message))
})

async function answer(message: ToWorker): Promise<void> {
  const { kind, hash } = message
  if (kind === 'begin') {
    hashes.set(hash, { blocks: message.blocks, digester: await createWhirlpool() })
    return
  }
  const begun = hashes.get(hash)
  if (kind === 'update') {
    const block = begun?.blocks[message.block]
    if (block !== undefined) begun?.digester.update(new Uint8Array(block, 0, message.lengthBytes))
    port?.postMessage('')
    return
  }
  hashes.delete(hash)
  if (kind === 'digest') port?.postMessage(begun?.digester.digest() ?? '')
}
