import {
  type ErrorCode,
  type FileNode,
  type FolderNode,
  type KeyLimits,
  type LimitsChange,
  linkText,
  pathText,
  type Transfer,
  type VirtualKey,
} from '@guichet/core'
import type { ApiFile, ApiFolder, ApiKey, ApiNode, ApiTransfer } from '@guichet/sdk'
import { z } from 'zod'
import { type Catalogue, isFolder } from '../../services/catalogue/catalogue.ts'
import type { Uploads } from '../../services/uploads/uploads.ts'
import { approvalField } from './approvals.ts'
import { budgetsField } from './spends.ts'

export function apiFolder(folder: FolderNode, path: string): ApiFolder {
  return {
    kind: 'folder',
    id: folder.id,
    name: path === '/' ? '/' : folder.name,
    path,
    ...(folder.createdMs !== undefined && { createdMs: folder.createdMs }),
    ...(folder.publicUrl !== undefined && { publicUrl: folder.publicUrl }),
  }
}

export function apiFile(file: FileNode, folderPath: string): ApiFile {
  return {
    kind: 'file',
    id: file.link.id,
    name: file.name,
    path: join(folderPath, file.name),
    folderId: file.folder,
    sizeBytes: file.sizeBytes,
    dateMs: file.dateMs,
    ...(file.whirlpool !== undefined && { whirlpool: file.whirlpool }),
    ...(file.contentType !== undefined && { contentType: file.contentType }),
    link: linkText(file.link),
    hasPassword: file.hasPassword,
  }
}

export async function apiNode(catalogue: Catalogue, node: FolderNode | FileNode): Promise<ApiNode> {
  if (isFolder(node)) return apiFolder(node, await catalogue.pathOf(node.id))
  return apiFile(node, await catalogue.pathOf(node.folder))
}

/** Blocks of addresses; whether they are some is for whoever uses them. */
export const blocks: z.ZodType<readonly string[]> = z.array(z.string().max(100)).min(1).max(100)

/** The limits that somebody wishes for a key. */
export const keyLimits: z.ZodType<KeyLimits> = z.strictObject({
  notBeforeMs: z.number().int().optional(),
  idleMs: z.number().int().positive().optional(),
  uses: z.number().int().positive().optional(),
  from: blocks.optional(),
  notFrom: blocks.optional(),
  mayIssue: z.boolean().optional(),
  budgets: budgetsField.optional(),
  approval: approvalField.optional(),
})

const change = <T>(shape: z.ZodType<T>) => shape.nullable().optional()

/** What is to be changed of a key's limits; null takes one away. */
export const limitsChange: z.ZodType<LimitsChange> = z
  .strictObject({
    lifetimeMs: z.int().nonnegative().optional(),
    idleMs: change(z.int().positive()),
    uses: change(z.int().positive()),
    from: change(blocks),
    notFrom: change(blocks),
    budgets: change(budgetsField),
    approval: change(approvalField),
  })
  .refine((wish) => Object.keys(wish).length > 0, 'nothing is to be changed')

export function apiKey(key: VirtualKey): ApiKey {
  const { id, name, verbs, rootPath: root, mayTunnel, limits, createdMs, expiresMs, revokedMs } = key
  const { parent, use, ended } = key
  return {
    id,
    name,
    verbs,
    root,
    mayTunnel,
    limits,
    createdMs,
    ...(expiresMs !== undefined && { expiresMs }),
    ...(revokedMs !== undefined && { revokedMs }),
    ...(parent !== undefined && { parent }),
    use: { count: use.count, ...(use.lastMs !== undefined && { lastMs: use.lastMs }) },
    ...(ended !== undefined && { ended }),
  }
}

/** Of these the words are about 1fichier and the machine; those of others may name files of other keys. */
const TOLD: ReadonlySet<ErrorCode> = new Set(['upstream-down', 'locked', 'paced', 'sealed', 'disk-full'])

export function apiTransfer(
  transfer: Transfer,
  uploads: Pick<Uploads, 'refusalOf' | 'trouble'>,
): ApiTransfer {
  const refusal = uploads.refusalOf(transfer)
  const isOver = transfer.state.kind === 'stored' || transfer.state.kind === 'failed'
  const trouble = isOver || refusal !== undefined ? undefined : uploads.trouble()
  const { id, name, folder, sizeBytes, whirlpool, state, attempts, createdMs } = transfer
  return {
    id,
    name,
    folderId: folder,
    sizeBytes,
    whirlpool,
    state: state.kind,
    attempts,
    createdMs,
    ...(state.kind === 'stored' && { link: linkText(state.link) }),
    ...(state.kind === 'failed' && { problem: state.message, problemCode: state.code }),
    ...(refusal !== undefined && { problem: refusal.message, problemCode: refusal.code }),
    ...(trouble !== undefined && TOLD.has(trouble.code) && { waitsFor: trouble.message }),
  }
}

export function join(folderPath: string, name: string): string {
  return folderPath === '/' ? pathText([name]) : `${folderPath}/${name}`
}
