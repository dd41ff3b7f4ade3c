import type { KeptEntry } from './ledger.ts'
import { leafBytes } from './ledger-leaf.ts'
import { HASH_BYTES, isSame, leafHash, type Sha256, TreeEdge, type TreeHead } from './ledger-tree.ts'

/** What the ledger is known to have been: the tree of a checkpoint. */
export interface LedgerAnchor extends TreeHead {
  /** Where it is known from, for a person: "the checkpoint of 40 entries in the database". */
  readonly source: string
}

/** The first thing that is wrong: the entries from `first` to `last`, one of which is the first bad one. */
export interface LedgerProblem {
  readonly kind: 'missing' | 'misplaced' | 'edited' | 'unhashed' | 'rewritten' | 'cut' | 'signature'
  readonly first: number
  readonly last: number
  /** A whole sentence without its full stop. */
  readonly message: string
}

export interface LedgerReport {
  /** Of the entries that were good. */
  readonly head: TreeHead
  readonly problem?: LedgerProblem
}

/**
 * Goes over a ledger from its beginning, entry by entry, and stops at the first thing that is wrong:
 * every entry is hashed anew and compared with what was kept when it was recorded, and the tree with every anchor.
 */
export class LedgerAudit {
  readonly #sha256: Sha256
  readonly #edge: TreeEdge
  readonly #anchors: readonly LedgerAnchor[]
  #problem: LedgerProblem | undefined
  #anchored: number
  #next = 0

  /** `from` is what is already known to be good. */
  constructor(sha256: Sha256, anchors: readonly LedgerAnchor[], from: TreeEdge = new TreeEdge(sha256)) {
    this.#sha256 = sha256
    this.#edge = from
    this.#anchored = from.size
    this.#anchors = anchors
      .filter(({ size }) => size >= from.size)
      .sort((one, other) => one.size - other.size)
    this.#compare()
  }

  get problem(): LedgerProblem | undefined {
    return this.#problem
  }

  /** The entries in their order. After the first problem nothing changes any more. */
  add(entry: KeptEntry): void {
    if (this.#problem !== undefined) return
    const expected = this.#edge.size + 1
    const { sequence, hashes } = entry
    if (sequence > expected) {
      this.#found('missing', expected, sequence - 1, `${entriesText(expected, sequence - 1)} missing`)
      return
    }
    if (sequence < expected) {
      this.#found('misplaced', sequence, sequence, `entry ${sequence} is in a place that is not its own`)
      return
    }
    if (hashes.length < HASH_BYTES) {
      this.#found(
        'unhashed',
        sequence,
        sequence,
        `entry ${sequence} was put in by another program: it has no hash`,
      )
      return
    }
    const leaf = leafHash(this.#sha256, leafBytes(entry))
    if (!isSame(leaf, hashes.subarray(0, HASH_BYTES))) {
      this.#found(
        'edited',
        sequence,
        sequence,
        `entry ${sequence} is not what was recorded: its hash differs`,
      )
      return
    }
    const completed = this.#edge.append(leaf)
    const wrong = completed.findIndex(
      (hash, level) => !isSame(hash, hashes.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES)),
    )
    if (wrong > 0 || hashes.length !== completed.length * HASH_BYTES) {
      const first = wrong > 0 ? sequence - 2 ** wrong + 1 : sequence
      this.#found(
        'edited',
        first,
        sequence,
        `${entriesText(first, sequence)} not what was recorded: the tree differs`,
      )
      return
    }
    this.#compare()
  }

  /** `written` is how many entries there ever were, as far as that is known in another way. */
  finish(written = 0): LedgerReport {
    const { size } = this.#edge
    const head = { size, root: this.#edge.root() }
    const later = this.#anchors.at(-1)
    if (this.#problem === undefined && later !== undefined && later.size > size) {
      const missing = entriesText(size + 1, later.size)
      this.#found(
        'cut',
        size + 1,
        later.size,
        `the ledger ends too early: ${missing} missing, says ${later.source}`,
      )
    }
    if (this.#problem === undefined && written > size) {
      const missing = entriesText(size + 1, written)
      this.#found(
        'cut',
        size + 1,
        written,
        `the ledger ends too early: ${missing} missing, says the database`,
      )
    }
    return { head, ...(this.#problem !== undefined && { problem: this.#problem }) }
  }

  #compare(): void {
    const { size } = this.#edge
    let root: Uint8Array | undefined
    for (let anchor = this.#anchors[this.#next]; anchor?.size === size; anchor = this.#anchors[this.#next]) {
      this.#next += 1
      root ??= this.#edge.root()
      if (isSame(anchor.root, root)) continue
      const first = Math.min(this.#anchored + 1, size)
      const which = entriesText(first, size, ['was', 'were'])
      this.#found('rewritten', first, size, `${which} changed after ${anchor.source} was signed`)
      return
    }
    if (root !== undefined) this.#anchored = size
  }

  #found(kind: LedgerProblem['kind'], first: number, last: number, message: string): void {
    this.#problem = { kind, first, last, message }
  }
}

function entriesText(
  first: number,
  last: number,
  [one, many]: readonly [string, string] = ['is', 'are'],
): string {
  return first >= last ? `entry ${first} ${one}` : `entries ${first} to ${last} ${many}`
}
