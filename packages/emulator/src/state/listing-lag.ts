import type { FileRecord } from './records.ts'

interface Shadow {
  readonly file: FileRecord
  readonly untilMs: number
}

/**
 * What listings have not noticed yet: files that came a moment ago are left out, files that went are still shown.
 * Only listings lag; file/info.cgi and downloads know the truth.
 */
export class ListingLag {
  readonly #gone = new Map<string, Shadow>()
  readonly #fresh = new Map<string, number>()

  /** To be told of every file that appears in a folder. */
  noteArrival(file: FileRecord, nowMs: number, lagMs: number): void {
    if (lagMs > 0) this.#fresh.set(placeOf(file), nowMs + lagMs)
  }

  /** To be told of every file that leaves a folder. */
  noteDeparture(file: FileRecord, nowMs: number, lagMs: number): void {
    if (lagMs > 0) this.#gone.set(placeOf(file), { file, untilMs: nowMs + lagMs })
  }

  *seen(files: Iterable<FileRecord>, folderId: number | undefined, nowMs: number): Generator<FileRecord> {
    for (const file of files) if ((this.#fresh.get(placeOf(file)) ?? 0) <= nowMs) yield file
    for (const [place, { file, untilMs }] of this.#gone) {
      if (untilMs <= nowMs) this.#gone.delete(place)
      else if (folderId === undefined || file.folderId === folderId) yield file
    }
    for (const [place, untilMs] of this.#fresh) if (untilMs <= nowMs) this.#fresh.delete(place)
  }
}

function placeOf(file: FileRecord): string {
  return `${file.folderId}/${file.id}`
}
