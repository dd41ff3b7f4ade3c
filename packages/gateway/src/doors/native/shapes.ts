import {
  type Account,
  type FileDetails,
  type FileEntry,
  type FolderId,
  type FolderNode,
  linkText,
  parseFolderId,
  ROOT,
} from '@guichet/core'
import { frenchTime } from '@guichet/fichier'
import { z } from 'zod'

/** What clients send: numbers and their digits, flags as 0/1 or booleans, `null` for absent (wire.md §1). */
const absent = z.literal(null).transform(() => undefined)

export const folderId: z.ZodType<FolderId | undefined> = z
  .union([z.number(), z.string()])
  .transform((value) => parseFolderId(value))
  .or(absent)
  .optional()

export const text: z.ZodType<string | undefined> = z.string().max(4_000).or(absent).optional()

export const flag: z.ZodType<boolean | undefined> = z
  .union([z.boolean(), z.literal([0, 1, '0', '1'])])
  .transform((value) => value === true || value === 1 || value === '1')
  .or(absent)
  .optional()

export const link: z.ZodType<string> = z.string().min(1).max(4_000)
/** 1fichier's own limit of files a request (wire.md §3); more than an order above it is a mistake. */
export const links: z.ZodType<string[]> = z.array(link).min(1).max(5_000)

/** A file as listings show it (wire.md §4). */
export function fileItem(file: FileEntry): Record<string, unknown> {
  return {
    url: linkText(file.link),
    filename: file.name,
    size: file.sizeBytes,
    date: frenchTime(file.dateMs),
    checksum: file.whirlpool ?? '',
    'content-type': file.contentType ?? 'application/octet-stream',
    pass: Number(file.hasPassword),
    acl: Number(file.isRestricted),
    cdn: Number(file.usesCdn),
  }
}

/** A sub-folder as listings show it (wire.md §5.1). rclone needs a `create_date` that parses. */
export function folderItem(folder: FolderNode): Record<string, unknown> {
  return {
    id: folder.id,
    name: folder.name,
    create_date: frenchTime(folder.createdMs ?? 0),
    pass: Number(folder.hasPassword),
  }
}

/** A file as file/info.cgi shows it (wire.md §4.2), as far as it is known. */
export function fileDetails(file: FileEntry & Partial<FileDetails>): Record<string, unknown> {
  const { acl: _flag, ...item } = fileItem(file)
  const { folder, path, description, withoutTls, isInline, access } = file
  return {
    status: 'OK',
    ...item,
    ...(folder !== undefined && { folder_id: folder }),
    ...(path !== undefined && { path: path.replace(/^\//, '') }),
    description: description ?? null,
    no_ssl: Number(withoutTls ?? false),
    inline: Number(isInline ?? false),
    acl:
      access === undefined
        ? null
        : {
            ...(access.addresses && { ip: access.addresses }),
            ...(access.countries && { country: access.countries }),
            ...(access.emails && { email: access.emails }),
            ...(access.premiumOnly !== undefined && { premium: Number(access.premiumOnly) }),
          },
  }
}

/**
 * The account as 1fichier would say it: the last answer we have, as it came.
 * A confined key is not told of the folder for FTP, which may be outside.
 */
export function accountReply(account: Account, root: FolderId): Record<string, unknown> {
  const { ftp_did: ftpFolder, ...raw } = account.raw
  const isShown = root === ROOT && ftpFolder !== undefined
  return { ...raw, ...(isShown && { ftp_did: ftpFolder }), status: 'OK' }
}
