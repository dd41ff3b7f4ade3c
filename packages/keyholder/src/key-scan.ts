import { GatewayError } from '@guichet/core'

/**
 * Looks for the API key in a stream, across the borders of its chunks.
 *
 * It holds back as many bytes as could be the beginning of the key, so that no part of a key leaves before it is known
 * to be one.
 */
export class KeyScan {
  readonly #key: Buffer
  #held: Buffer = Buffer.alloc(0)

  constructor(key: Buffer) {
    this.#key = key
  }

  /** What may be given on. Throws when the key stands in what came so far. */
  push(chunk: Uint8Array): Buffer {
    const joined = Buffer.concat([this.#held, chunk])
    if (joined.includes(this.#key)) throw keyInAnswer()
    const split = Math.max(0, joined.length - this.#key.length + 1)
    this.#held = joined.subarray(split)
    return joined.subarray(0, split)
  }

  /** What was held back, when nothing more comes. */
  rest(): Buffer {
    return this.#held
  }

  /** For text that is there at once: names and values of headers. */
  check(texts: readonly string[]): void {
    if (texts.some((text) => Buffer.from(text, 'latin1').includes(this.#key))) throw keyInAnswer()
  }
}

function keyInAnswer(): GatewayError {
  return new GatewayError('upstream-changed', "1fichier's answer held the API key and was withheld", {
    hint: 'make a new key on the console page of 1fichier and run `guichet rotate`',
    facts: { sent: true },
  })
}
