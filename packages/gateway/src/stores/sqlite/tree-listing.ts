import {
  type FileId,
  type FolderEntry,
  type FolderId,
  type FolderListing,
  isCutListing,
  type Known,
  OWN_WRITE_GRACE_MS,
  ownWriteWins,
  parseFileId,
  parseFolderId,
  ROOT,
  reconcile,
} from '@guichet/core'
import { type FolderRow, fileRow } from './tree-rows.ts'
import type { OwnRow, TreeStatements } from './tree-statements.ts'

interface Moment {
  readonly askedMs: number
  readonly nowMs: number
  readonly depthMax: number
}

/** Takes a listing into the tree; runs inside a transaction. */
export function takeListing(sql: TreeStatements, listing: FolderListing, moment: Moment): void {
  const { askedMs, nowMs } = moment
  const folder = sql.folder.get(listing.id)
  if (isOutdated(sql, listing.id, folder, moment)) return

  const keepsName =
    listing.id === ROOT || listing.name === '' || ownWriteWins(folder?.own_ms ?? undefined, askedMs)
  const name = keepsName ? (folder?.name ?? '') : listing.name
  const isCut = isCutListing(listing)
  sql.listFolder.run(listing.id, name, listing.publicUrl ?? null, isCut ? null : askedMs)

  takeFolders(sql, listing, moment, isCut)
  takeFiles(sql, listing, moment, isCut)
  sql.pruneRemovedFiles.run(nowMs - 2 * OWN_WRITE_GRACE_MS)
  sql.pruneRemovedFolders.run(nowMs - 2 * OWN_WRITE_GRACE_MS)
}

/** We have removed this folder since, or have a younger listing of it. */
function isOutdated(
  sql: TreeStatements,
  id: FolderId,
  folder: FolderRow | undefined,
  moment: Moment,
): boolean {
  if (ownWriteWins(sql.removedFolder.get(id)?.own_ms ?? undefined, moment.askedMs)) return true
  const listedMs = folder?.listed_ms ?? undefined
  // A listing from the future was taken before somebody set the clock back: it must not stand in the way.
  return listedMs !== undefined && listedMs > moment.askedMs && listedMs <= moment.nowMs
}

function takeFolders(sql: TreeStatements, listing: FolderListing, moment: Moment, isCut: boolean): void {
  const listed = listing.folders.filter((entry) => entry.id !== ROOT && entry.id !== listing.id)
  const ids = listed.map((entry) => entry.id)
  const json = JSON.stringify(ids)
  const { take, drop } = reconcile<FolderId>(
    ids,
    sql.knownFolders.all(listing.id).map(knownFolder),
    new Map(sql.removedFolders.all(json).map((row) => [parseFolderId(row.id), row.own_ms ?? 0])),
    new Map(sql.foldersElsewhere.all(json, listing.id).map((row) => [parseFolderId(row.id), own(row)])),
    moment.askedMs,
  )
  const entries = new Map<FolderId, FolderEntry>(listed.map((entry) => [entry.id, entry]))
  let chain = sql.upwards.all(listing.id, moment.depthMax)
  for (const id of take) {
    const entry = entries.get(id)
    if (entry === undefined) continue
    const opened = openChain(sql, chain, id, moment.askedMs)
    if (opened === undefined) continue
    chain = opened
    sql.takeFolder.run(id, listing.id, entry.name, entry.createdMs ?? null, entry.hasPassword ? 1 : 0)
    sql.forgetRemovedFolder.run(id)
  }
  if (!isCut) for (const id of drop) sql.dropBelow(id)
}

/**
 * A listing shows inside a folder what we hold above it: another tool has moved it, and some link of our chain is old.
 * Cuts the first link that is not our own word, so that no folder is below itself, and gives the chain that is left;
 * `undefined` where our own word stands against the whole of it.
 */
function openChain(
  sql: TreeStatements,
  chain: readonly FolderRow[],
  id: FolderId,
  askedMs: number,
): readonly FolderRow[] | undefined {
  const at = chain.findIndex((row) => row.id === id)
  if (at < 0) return chain
  for (let index = at - 1; index >= 0; index -= 1) {
    const below = chain[index]
    if (below === undefined || ownWriteWins(below.own_ms ?? undefined, askedMs)) continue
    sql.cutFolder.run(below.id)
    if (below.parent !== null) sql.forgetListing.run(below.parent)
    return chain.slice(0, index + 1)
  }
  return undefined
}

function takeFiles(sql: TreeStatements, listing: FolderListing, moment: Moment, isCut: boolean): void {
  const ids = listing.files.map((entry) => entry.link.id)
  const json = JSON.stringify(ids)
  const { take, drop } = reconcile<FileId>(
    ids,
    sql.knownFiles.all(listing.id).map(knownFile),
    new Map(sql.removedFiles.all(json).map((row) => [parseFileId(row.id), row.own_ms ?? 0])),
    new Map(sql.filesElsewhere.all(json, listing.id).map((row) => [parseFileId(row.id), own(row)])),
    moment.askedMs,
  )
  const taken = new Set(take)
  for (const entry of listing.files) {
    if (taken.has(entry.link.id)) sql.putFile(fileRow(listing.id, entry, undefined))
  }
  if (!isCut) for (const id of drop) sql.dropFile.run(id)
}

function knownFolder(row: OwnRow<number>): Known<FolderId> {
  return { id: parseFolderId(row.id), ownMs: own(row) }
}

function knownFile(row: OwnRow<string>): Known<FileId> {
  return { id: parseFileId(row.id), ownMs: own(row) }
}

function own(row: OwnRow<unknown>): number | undefined {
  return row.own_ms ?? undefined
}
