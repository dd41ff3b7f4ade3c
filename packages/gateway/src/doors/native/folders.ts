import { GatewayError, ROOT } from '@guichet/core'
import { frenchTime } from '@guichet/fichier'
import { z } from 'zod'
import type { NativeServices, Routes } from './routes.ts'
import { fileItem, flag, folderId, folderItem, text } from './shapes.ts'
import { inWindow } from './windows.ts'

const share = z.object({ email: z.string().min(3).max(250), rw: flag, hide_links: flag })

/** `/v1/folder/*.cgi` and `/v1/file/ls.cgi`. */
export function folderRoutes(
  services: NativeServices,
): Routes<'folder/ls' | 'file/ls' | 'folder/mkdir' | 'folder/mv' | 'folder/rm' | 'folder/share'> {
  return { ...listingRoutes(services), ...changeRoutes(services) }
}

function listingRoutes(services: NativeServices): Routes<'folder/ls' | 'file/ls'> {
  const { catalogue, gate } = services

  return {
    'folder/ls': {
      needs: ['list'],
      async run(caller, body) {
        const wish = z.object({ folder_id: folderId, files: flag, sharing_user: text }).parse(body)
        refuseShares(wish.sharing_user)
        const id = wish.folder_id ?? ROOT
        await catalogue.requireSeen(caller, id)
        await gate.permit(caller, 'list', await catalogue.pathOf(id))
        const { folder, folders, files, isInside } = await catalogue.list(caller, id)
        if (isInside) await services.shown(id)
        return {
          status: 'OK',
          folder_id: id,
          name: id === ROOT ? 'Root' : folder.name,
          files: files.length,
          size: files.length === 0 ? null : files.reduce((sum, file) => sum + file.sizeBytes, 0),
          sub_folders: folders.map(folderItem),
          ...(folder.createdMs !== undefined && { create_date: frenchTime(folder.createdMs) }),
          ...(folder.publicUrl !== undefined && { shared: folder.publicUrl }),
          ...(wish.files === true && { items: files.map(fileItem) }),
        }
      },
    },

    'file/ls': {
      needs: ['list'],
      async run(caller, body) {
        const wish = z
          .object({
            folder_id: z.literal([-1, '-1']).or(folderId),
            sent_after: text,
            sent_before: text,
            sharing_user: text,
          })
          .parse(body)
        refuseShares(wish.sharing_user)
        const isWanted = inWindow(wish)
        if (wish.folder_id === -1 || wish.folder_id === '-1') {
          await catalogue.requireInside(caller, ROOT)
          await gate.permit(caller, 'list', 'every file of the account')
          const items = (await catalogue.everyFile(caller)).filter(isWanted).map(fileItem)
          return { status: 'OK', count: items.length, items }
        }
        const id = wish.folder_id ?? ROOT
        await catalogue.requireSeen(caller, id)
        await gate.permit(caller, 'list', await catalogue.pathOf(id))
        const { files, isInside } = await catalogue.list(caller, id)
        if (isInside) await services.shown(id)
        const items = files.filter(isWanted).map(fileItem)
        return { status: 'OK', count: items.length, items }
      },
    },
  }
}

function changeRoutes({
  catalogue,
  changes,
}: NativeServices): Routes<'folder/mkdir' | 'folder/mv' | 'folder/rm' | 'folder/share'> {
  return {
    'folder/mkdir': {
      needs: ['mkdir'],
      async run(caller, body) {
        const wish = z.object({ name: z.string(), folder_id: folderId, sharing_user: text }).parse(body)
        refuseShares(wish.sharing_user)
        const folder = await changes.makeFolder(caller, wish.folder_id ?? ROOT, wish.name)
        return { status: 'OK', folder_id: folder.id, name: folder.name, message: '' }
      },
    },

    'folder/mv': {
      needs: ['move', 'rename'],
      async run(caller, body) {
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
        // rclone leaves the destination out for the root, and sends an empty destination_user along; a request with a
        // new name and nothing else only renames (wire.md §5.3).
        const isRename = name !== undefined && wish.destination_user === undefined
        const to = wish.destination_folder_id ?? (isRename ? (before.parent ?? ROOT) : ROOT)
        const after = await changes.moveFolder(caller, id, to, name)
        return { status: 'OK', message: '', old_name: before.name, new_name: after.name }
      },
    },

    'folder/rm': {
      needs: ['delete'],
      async run(caller, body) {
        const wish = z.object({ folder_id: folderId }).parse(body)
        await changes.removeFolder(caller, required(wish.folder_id))
        return { status: 'OK', message: '' }
      },
    },

    'folder/share': {
      needs: ['share'],
      async run(caller, body) {
        const wish = z
          .object({
            folder_id: folderId,
            share: flag,
            pass: text,
            shares: z
              .array(share)
              .max(1_000)
              .or(z.literal([0, '0']))
              .optional(),
          })
          .parse(body)
        const users = Array.isArray(wish.shares) ? wish.shares : wish.shares === undefined ? undefined : []
        const url = await changes.shareFolder(caller, required(wish.folder_id), {
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
        return { status: 'OK', message: '', ...(url !== undefined && { url }) }
      },
    },
  }
}

function required<Id>(id: Id | undefined): Id {
  if (id !== undefined) return id
  throw new GatewayError('invalid', 'folder_id is missing', { hint: 'name the folder: {"folder_id": 123}' })
}

function refuseShares(user: string | undefined): void {
  if (user === undefined || user === '') return
  throw new GatewayError('invalid', 'folders shared by other users cannot be reached through this gateway', {
    hint: 'leave sharing_user and destination_user out',
  })
}
