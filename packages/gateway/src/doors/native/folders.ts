import { type FileNode, GatewayError, ROOT } from '@guichet/core'
import { frenchTime, parseFrenchTime } from '@guichet/fichier'
import { z } from 'zod'
import type { DateWish, NativeServices, Route } from './routes.ts'
import { fileItem, flag, folderId, folderItem, text } from './shapes.ts'

/** `/v1/folder/*.cgi` and `/v1/file/ls.cgi`. */
export function folderRoutes(services: NativeServices): Readonly<Record<string, Route>> {
  const { catalogue, changes, gate } = services

  return {
    'folder/ls': async (caller, body) => {
      const wish = z.object({ folder_id: folderId, files: flag, sharing_user: text }).parse(body)
      refuseShares(wish.sharing_user)
      const id = wish.folder_id ?? ROOT
      await gate.permit(caller, 'list', await catalogue.pathOf(id))
      const { folder, folders, files } = await catalogue.list(caller, id)
      await services.shown(id)
      return {
        status: 'OK',
        folder_id: id,
        name: id === ROOT ? 'Root' : folder.name,
        files: files.length,
        size: files.length === 0 ? null : files.reduce((sum, file) => sum + file.sizeBytes, 0),
        sub_folders: folders.map(folderItem),
        ...(folder.createdMs === undefined ? {} : { create_date: frenchTime(folder.createdMs) }),
        ...(wish.files === true ? { items: files.map(fileItem) } : {}),
      }
    },

    'file/ls': async (caller, body) => {
      const wish = z
        .object({
          folder_id: z.literal([-1, '-1']).or(folderId),
          sent_after: text,
          sent_before: text,
          sharing_user: text,
        })
        .parse(body)
      refuseShares(wish.sharing_user)
      if (wish.folder_id === -1 || wish.folder_id === '-1') return services.everyFile(caller, wish)
      const id = wish.folder_id ?? ROOT
      await gate.permit(caller, 'list', await catalogue.pathOf(id))
      const { files } = await catalogue.list(caller, id)
      await services.shown(id)
      const items = files.filter(inWindow(wish)).map(fileItem)
      return { status: 'OK', count: items.length, items }
    },

    'folder/mkdir': async (caller, body) => {
      const wish = z.object({ name: z.string(), folder_id: folderId, sharing_user: text }).parse(body)
      refuseShares(wish.sharing_user)
      const folder = await changes.makeFolder(caller, wish.folder_id ?? ROOT, wish.name)
      return { status: 'OK', folder_id: folder.id, name: folder.name, message: '' }
    },

    'folder/mv': async (caller, body) => {
      const wish = z
        .object({
          folder_id: folderId,
          destination_folder_id: folderId,
          destination_user: text,
          rename: text,
        })
        .parse(body)
      refuseShares(wish.destination_user)
      const id = wish.folder_id ?? ROOT
      const before = await catalogue.requireInside(caller, id)
      const name = wish.rename === '' ? undefined : wish.rename
      // rclone leaves the destination out for the root; a request with a new name alone only renames (wire.md §5.3).
      const to =
        wish.destination_folder_id ?? (wish.destination_user === undefined ? (before.parent ?? ROOT) : ROOT)
      const after = await changes.moveFolder(caller, id, to, name)
      return { status: 'OK', message: '', old_name: before.name, new_name: after.name }
    },

    'folder/rm': async (caller, body) => {
      const wish = z.object({ folder_id: folderId }).parse(body)
      if (wish.folder_id === undefined) throw new GatewayError('invalid', 'folder_id is missing')
      await changes.removeFolder(caller, wish.folder_id)
      return { status: 'OK', message: '' }
    },

    'folder/share': async (caller, body) => {
      const share = z.object({ email: z.string(), rw: flag, hide_links: flag })
      const wish = z
        .object({
          folder_id: folderId,
          share: flag,
          pass: text,
          shares: z.array(share).or(z.literal(0)).optional(),
        })
        .parse(body)
      if (wish.folder_id === undefined) throw new GatewayError('invalid', 'folder_id is missing')
      const users = wish.shares === 0 ? [] : wish.shares
      const url = await changes.shareFolder(caller, wish.folder_id, {
        ...(wish.share !== undefined && { public: wish.share }),
        ...(wish.pass !== undefined && { pass: wish.pass }),
        ...(users !== undefined && {
          users: users.map(({ email, rw, hide_links }) => ({
            email,
            mayWrite: rw ?? false,
            hideLinks: hide_links ?? false,
          })),
        }),
      })
      return { status: 'OK', message: '', ...(url === undefined ? {} : { url }) }
    },
  }
}

export function inWindow(wish: DateWish): (file: Pick<FileNode, 'dateMs'>) => boolean {
  const afterMs = parseMoment(wish.sent_after)
  const beforeMs = parseMoment(wish.sent_before)
  return (file) =>
    (afterMs === undefined || file.dateMs >= afterMs) && (beforeMs === undefined || file.dateMs <= beforeMs)
}

function parseMoment(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  try {
    return parseFrenchTime(value)
  } catch (cause) {
    throw new GatewayError('invalid', `${JSON.stringify(value.slice(0, 40))} is not a date`, {
      hint: 'write YYYY-MM-DD HH:MM:SS, French local time',
      cause,
    })
  }
}

function refuseShares(user: string | undefined): void {
  if (user === undefined || user === '') return
  throw new GatewayError('invalid', 'folders shared by other users cannot be reached through this gateway', {
    hint: 'leave sharing_user and destination_user out',
  })
}
