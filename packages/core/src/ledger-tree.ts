/**
 * The Merkle tree over the entries of the ledger, as in RFC 6962 (and RFC 9162, section 2.1): a leaf hashes a zero byte
 * and its bytes, a node a one byte and its two children.
 *
 * A *perfect* node covers 2^level entries, the `index`-th such group. Every perfect node is complete with its last entry
 * and never changes after, so that it can be kept beside that entry.
 */

/** SHA-256, as an argument: the core computes none. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** How large a tree is, and the one hash that stands for all of it. */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

export interface NodePlace {
  readonly level: number
  readonly index: number
}

export const HASH_BYTES = 32

export function leafHash(sha256: Sha256, bytes: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(1 + bytes.length)
  prefixed.set(bytes, 1)
  return sha256(prefixed)
}

export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(1 + 2 * HASH_BYTES)
  prefixed[0] = 1
  prefixed.set(left, 1)
  prefixed.set(right, 1 + HASH_BYTES)
  return sha256(prefixed)
}

/** The entry that completes a perfect node: its number, beginning at 1. */
export function completedBy({ level, index }: NodePlace): number {
  return (index + 1) * 2 ** level
}

/** The perfect nodes that make up a tree of `size` entries, the widest and first of them first. */
export function edgePlaces(size: number): readonly NodePlace[] {
  const places: NodePlace[] = []
  let start = 0
  while (start < size) {
    let level = 0
    while (start + 2 ** (level + 1) <= size) level += 1
    places.push({ level, index: start / 2 ** level })
    start += 2 ** level
  }
  return places
}

/** The right edge of a growing tree: all that is needed to append to it and to know its root. */
export class TreeEdge {
  readonly #sha256: Sha256
  readonly #nodes: { readonly level: number; readonly hash: Uint8Array }[]
  #size: number

  /** `hashes` belong to `edgePlaces(size)`. */
  constructor(sha256: Sha256, size = 0, hashes: readonly Uint8Array[] = []) {
    this.#sha256 = sha256
    this.#size = size
    this.#nodes = edgePlaces(size).map(({ level }, index) => ({
      level,
      hash: hashes[index] ?? new Uint8Array(),
    }))
  }

  get size(): number {
    return this.#size
  }

  /** Gives the hashes of the perfect nodes that this leaf completes, the leaf's own first. */
  append(leaf: Uint8Array): readonly Uint8Array[] {
    const completed = [leaf]
    let node = { level: 0, hash: leaf }
    for (let last = this.#nodes.at(-1); last?.level === node.level; last = this.#nodes.at(-1)) {
      node = { level: node.level + 1, hash: nodeHash(this.#sha256, last.hash, node.hash) }
      completed.push(node.hash)
      this.#nodes.pop()
    }
    this.#nodes.push(node)
    this.#size += 1
    return completed
  }

  root(): Uint8Array {
    const [last, ...before] = this.#nodes.map(({ hash }) => hash).reverse()
    if (last === undefined) return this.#sha256(new Uint8Array())
    return before.reduce((right, left) => nodeHash(this.#sha256, left, right), last)
  }

  copy(): TreeEdge {
    return new TreeEdge(
      this.#sha256,
      this.#size,
      this.#nodes.map(({ hash }) => hash),
    )
  }
}

/**
 * The consistency proof of RFC 6962, section 2.1.2, from the tree of the first `oldSize` entries to that of `newSize`.
 * `node` gives the hash of a perfect node.
 */
export function consistencyProof(
  sha256: Sha256,
  node: (place: NodePlace) => Uint8Array,
  oldSize: number,
  newSize: number,
): readonly Uint8Array[] {
  if (oldSize === 0) return []
  const rootOf = (start: number, end: number): Uint8Array => {
    const width = powerBelow(end - start)
    if (end - start === width * 2) return node({ level: Math.log2(width) + 1, index: start / (width * 2) })
    if (end - start === 1) return node({ level: 0, index: start })
    return nodeHash(sha256, rootOf(start, start + width), rootOf(start + width, end))
  }
  const prove = (start: number, end: number, isWhole: boolean): readonly Uint8Array[] => {
    if (oldSize === end) return isWhole ? [] : [rootOf(start, end)]
    const middle = start + powerBelow(end - start)
    return oldSize <= middle
      ? [...prove(start, middle, isWhole), rootOf(middle, end)]
      : [...prove(middle, end, false), rootOf(start, middle)]
  }
  return prove(0, newSize, true)
}

/** Whether the proof shows that the newer tree begins with all of the older one: RFC 9162, section 2.1.4.2. */
export function isConsistent(
  sha256: Sha256,
  older: TreeHead,
  newer: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (older.size > newer.size || proof.some((hash) => hash.length !== HASH_BYTES)) return false
  if (older.size === 0) return proof.length === 0 && isSame(older.root, sha256(new Uint8Array()))
  if (older.size === newer.size) return proof.length === 0 && isSame(older.root, newer.root)
  const isPower = Number.isInteger(Math.log2(older.size))
  const [first, ...rest] = isPower ? [older.root, ...proof] : proof
  if (first === undefined) return false
  let [oldPlace, newPlace] = [older.size - 1, newer.size - 1]
  const climb = (): void => {
    oldPlace = Math.floor(oldPlace / 2)
    newPlace = Math.floor(newPlace / 2)
  }
  while (oldPlace % 2 === 1) climb()
  let [oldRoot, newRoot] = [first, first]
  for (const hash of rest) {
    if (newPlace === 0) return false
    if (oldPlace % 2 === 1 || oldPlace === newPlace) {
      oldRoot = nodeHash(sha256, hash, oldRoot)
      newRoot = nodeHash(sha256, hash, newRoot)
      while (oldPlace % 2 === 0 && oldPlace !== 0) climb()
    } else newRoot = nodeHash(sha256, newRoot, hash)
    climb()
  }
  return newPlace === 0 && isSame(oldRoot, older.root) && isSame(newRoot, newer.root)
}

/** For hashes that are no secret. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** The largest power of two that is smaller than `size`; half, for one. */
function powerBelow(size: number): number {
  let power = 0.5
  while (power * 2 < size) power *= 2
  return power
}
