import { guessMimeType } from '../content/mime.ts'
import { mix32 } from '../random.ts'
import { type FileRecord, type FolderRecord, newFile, newFolder } from './records.ts'

/** A computed subtree: nothing of it is held in memory but this description. */
export interface ForestSpec {
  readonly number: number
  /** The folder under which folder 0 of the forest and its siblings stand. */
  readonly mountId: number
  readonly firstFolderId: number
  readonly folders: number
  readonly filesPerFolder: number
  /** How many folders stand directly in the mount, and in every folder of the forest while they last. */
  readonly fanout: number
  readonly seed: number
  readonly sizeBytesMin: number
  readonly sizeBytesMax: number
  readonly createdMs: number
}

const FILE_ID = /^s([0-9a-z]{2})([0-9a-z]{6})([0-9a-z]{11})$/
const MINUTE_MS = 60_000

export function forestFolder(forest: ForestSpec, folderId: number): FolderRecord | undefined {
  const index = folderId - forest.firstFolderId
  if (index < 0 || index >= forest.folders) return undefined
  const parentIndex = Math.floor(index / forest.fanout) - 1
  const parentId = parentIndex < 0 ? forest.mountId : forest.firstFolderId + parentIndex
  return newFolder(folderId, parentId, `folder-${padded(index, 6)}`, forest.createdMs)
}

/** Ids of the computed folders that stand in a folder, which may be the mount. */
export function* forestChildren(forest: ForestSpec, folderId: number): Generator<number> {
  const index = folderId === forest.mountId ? -1 : folderId - forest.firstFolderId
  if (index < -1 || index >= forest.folders) return
  const start = (index + 1) * forest.fanout
  const end = Math.min(start + forest.fanout, forest.folders)
  for (let child = start; child < end; child += 1) yield forest.firstFolderId + child
}

export function* forestFilesIn(forest: ForestSpec, folderId: number): Generator<FileRecord> {
  const index = folderId - forest.firstFolderId
  if (index < 0 || index >= forest.folders) return
  for (let nth = 0; nth < forest.filesPerFolder; nth += 1) {
    yield forestFileAt(forest, index * forest.filesPerFolder + nth)
  }
}

/** Reads the index back out of an id; undefined when the id is not one of this forest. */
export function forestFile(forest: ForestSpec, fileId: string): FileRecord | undefined {
  const parts = FILE_ID.exec(fileId)
  if (Number.parseInt(parts?.[1] ?? '', 36) !== forest.number) return undefined
  const index = Number.parseInt(parts?.[2] ?? '', 36)
  if (index >= forestFileCount(forest)) return undefined
  const file = forestFileAt(forest, index)
  return file.id === fileId ? file : undefined
}

export function forestFileCount(forest: ForestSpec): number {
  return forest.folders * forest.filesPerFolder
}

export function forestFileAt(forest: ForestSpec, index: number): FileRecord {
  const name = `file-${padded(index, 7)}.bin`
  return newFile({
    id: forestFileId(forest, index),
    folderId: forest.firstFolderId + Math.floor(index / forest.filesPerFolder),
    name,
    sizeBytes: forestFileSize(forest, index),
    storedMs: forest.createdMs + (index % 525_600) * MINUTE_MS,
    mimeType: guessMimeType(name),
    content: { kind: 'synthetic', seed: `${forest.seed}/${index}` },
  })
}

export function forestFileSize(forest: ForestSpec, index: number): number {
  const spread = forest.sizeBytesMax - forest.sizeBytesMin + 1
  return forest.sizeBytesMin + Math.floor((mix32(index ^ mix32(forest.seed)) / 0x1_0000_0000) * spread)
}

function forestFileId(forest: ForestSpec, index: number): string {
  const first = mix32(index ^ forest.seed)
  const filler = `${base36(first, 7)}${base36(mix32(first + 1), 7)}`.slice(0, 11)
  return `s${base36(forest.number, 2)}${base36(index, 6)}${filler}`
}

function base36(value: number, width: number): string {
  return value.toString(36).padStart(width, '0')
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
