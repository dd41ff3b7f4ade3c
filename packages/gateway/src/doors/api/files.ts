import { type FileNode, GatewayError, parsePath, pathText, ROOT } from '@guichet/core'
import type { ApiDetails, ApiListing, ApiNodes, ApiRemoved, ApiStat } from '@guichet/sdk'
import { z } from 'zod'
import { isFolder } from '../../services/catalogue.ts'
import { findFile, findFolder, findNode, makePath } from '../../services/places.ts'
import { planRemoval, removeAll } from '../../services/removal.ts'
import { list } from '../bounded.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { apiFile, apiFolder, apiNode, join } from './shapes.ts'

const place = z.string().min(1).max(8_000)
const places = z.array(place).min(1).max(5_000)
const access = z.object({
  addresses: list(z.string()).optional(),
  countries: list(z.string()).optional(),
  emails: list(z.string()).optional(),
  premiumOnly: z.boolean().optional(),
})

/** Folders and files by path. */
export function fileRoutes(services: ApiServices): readonly ApiRoute[] {
  const { catalogue, changes, gate, downloads, host } = services

  return [
    {
      route: 'GET /nodes',
      needs: ['stat'],
      async run({ caller, query }): Promise<ApiStat> {
        const node = await findNode(catalogue, caller, query.at)
        await gate.permit(caller, 'stat', query.at)
        return { node: await apiNode(catalogue, node) }
      },
    },
    {
      route: 'GET /children',
      needs: ['list'],
      async run({ caller, query }): Promise<ApiListing> {
        const { id } = await findFolder(catalogue, caller, query.at)
        await gate.permit(caller, 'list', query.at)
        const view = await catalogue.list(caller, id, query.refresh ? 'refresh' : 'asks')
        if (view.isInside) await services.shown(id)
        const path = await catalogue.pathOf(id)
        return {
          folder: apiFolder(view.folder, path),
          folders: view.folders.map((folder) => apiFolder(folder, join(path, folder.name))),
          files: view.files.map((file) => apiFile(file, path)),
          ageMs: view.ageMs,
          ...(view.isCut && { isCut: true }),
        }
      },
    },
    {
      route: 'POST /folders',
      needs: ['mkdir'],
      async run({ caller, body }): Promise<ApiStat> {
        const wish = z.object({ at: place, parents: z.boolean().optional() }).parse(body)
        const parts = parsePath(wish.at)
        const name = parts.at(-1)
        if (name === undefined) throw new GatewayError('conflict', 'the root folder is there already')
        if (wish.parents === true)
          return { node: await apiNode(catalogue, await makePath(catalogue, changes, caller, parts)) }
        const parent = await findFolder(catalogue, caller, pathText(parts.slice(0, -1)))
        return { node: await apiNode(catalogue, await changes.makeFolder(caller, parent.id, name)) }
      },
    },
    {
      route: 'POST /move',
      needs: ['move', 'rename'],
      run: ({ caller, body }) => moveOrCopy(services, caller, body, 'move'),
    },
    {
      route: 'POST /copy',
      needs: ['copy'],
      run: ({ caller, body }) => moveOrCopy(services, caller, body, 'copy'),
    },
    {
      route: 'POST /remove',
      needs: ['delete'],
      async run({ caller, body }): Promise<ApiRemoved> {
        const wish = z
          .object({ at: places, recursive: z.boolean().optional(), dryRun: z.boolean().optional() })
          .parse(body)
        const nodes = []
        for (const at of wish.at) nodes.push(await findNode(catalogue, caller, at))
        if (nodes.some((node) => isFolder(node) && (node.id === ROOT || node.id === caller.principal.root))) {
          throw new GatewayError('invalid', 'the root folder cannot be removed', {
            hint: 'name what is inside it',
          })
        }
        // A folder on the way down can be seen, and is not the key's to empty.
        for (const node of nodes) if (isFolder(node)) await catalogue.requireInside(caller, node.id)
        await gate.permit(caller, 'delete', wish.at.join(' '))
        const plan = await planRemoval(catalogue, caller, nodes, wish.recursive === true)
        if (wish.dryRun !== true) await removeAll(changes, caller, plan)
        const bytes = plan.files.reduce((sum, file) => sum + file.sizeBytes, 0)
        return { files: plan.files.length, folders: plan.folders.length, bytes }
      },
    },
    {
      route: 'POST /share',
      needs: ['share'],
      async run({ caller, body }) {
        const user = z.object({
          email: z.string(),
          mayWrite: z.boolean().optional(),
          hideLinks: z.boolean().optional(),
        })
        const wish = z
          .object({
            at: place,
            public: z.boolean().optional(),
            pass: z.string().optional(),
            users: list(user).optional(),
          })
          .parse(body)
        const { id } = await findFolder(catalogue, caller, wish.at)
        const users = wish.users?.map(({ email, mayWrite, hideLinks }) => ({
          email,
          mayWrite: mayWrite ?? false,
          hideLinks: hideLinks ?? false,
        }))
        const url = await changes.shareFolder(caller, id, {
          ...(wish.public !== undefined && { public: wish.public }),
          ...(wish.pass !== undefined && { pass: wish.pass }),
          ...(users !== undefined && { users }),
        })
        return url === undefined ? {} : { url }
      },
    },
    {
      route: 'GET /attributes',
      needs: ['stat'],
      async run({ caller, query }): Promise<ApiDetails> {
        const file = await findFile(catalogue, caller, query.at)
        await gate.permit(caller, 'stat', query.at)
        const recheck = (): Promise<void> => catalogue.requireStill(caller, { files: [file] })
        const details = await host({ ...caller, recheck }, 'interactive').fileInfo(file.link, {}, caller)
        return {
          node: await apiNode(catalogue, file),
          ...(details.description !== undefined && { description: details.description }),
          inline: details.isInline,
          withoutTls: details.withoutTls,
          cdn: details.usesCdn,
          ...(details.access !== undefined && { access: details.access }),
        }
      },
    },
    {
      route: 'POST /attributes',
      needs: ['rename', 'password', 'share', 'cdn'],
      async run({ caller, body }): Promise<ApiNodes> {
        const wish = z
          .object({
            at: places,
            description: z.string().max(4_000).optional(),
            pass: z.string().optional(),
            inline: z.boolean().optional(),
            withoutTls: z.boolean().optional(),
            cdn: z.boolean().optional(),
            access: access.optional(),
          })
          .parse(body)
        const { at, ...given } = wish
        const files = []
        for (const name of at) files.push(await findFile(catalogue, caller, name))
        const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
        if (Object.keys(wanted).length === 0) {
          throw new GatewayError('invalid', 'there is nothing to change', {
            hint: '`guichet attr --help` shows what can be changed',
          })
        }
        await changes.changeFiles(caller, files, wanted)
        const changed = []
        for (const { link } of files)
          changed.push(await apiNode(catalogue, await catalogue.file(caller, link.id)))
        return { nodes: changed }
      },
    },
    {
      route: 'POST /scan',
      needs: ['delete'],
      async run({ caller, body }) {
        const { at } = z.object({ at: place }).parse(body)
        const result = await changes.scanFile(caller, await findFile(catalogue, caller, at))
        if (result.kind === 'infected') return { result: 'infected', message: result.message }
        return {
          result: 'clean',
          ...(result.cachedSinceMs !== undefined && { cachedSinceMs: result.cachedSinceMs }),
        }
      },
    },
    {
      route: 'POST /direct',
      needs: ['direct'],
      async run({ caller, body }) {
        const { at } = z.object({ at: place }).parse(body)
        const url = await downloads.direct(caller, await findFile(catalogue, caller, at), {})
        return { url: url.href }
      },
    },
  ]
}

/** `to` is a folder that is there, or a new name for a single thing in a folder that is there. */
async function moveOrCopy(
  services: ApiServices,
  caller: Parameters<typeof findNode>[1],
  body: object,
  how: 'move' | 'copy',
): Promise<ApiNodes> {
  const { catalogue, changes } = services
  const wish = z.object({ from: places, to: place }).parse(body)
  const nodes = []
  for (const at of wish.from) nodes.push(await findNode(catalogue, caller, at))
  const { folder, name } = await destination(services, caller, wish.to, nodes.length)
  const files = nodes.filter((node): node is FileNode => !isFolder(node))
  const folders = nodes.filter(isFolder)
  if (how === 'copy' && folders.length > 0) {
    throw new GatewayError('invalid', `"${folders[0]?.name}" is a folder, and 1fichier copies only files`, {
      hint: 'copy the files in it, one folder at a time',
    })
  }
  const done = []
  for (const node of folders) done.push(await changes.moveFolder(caller, node.id, folder, name))
  if (files.length > 0) {
    const moved =
      how === 'move'
        ? await changes.moveFiles(caller, files, folder, name)
        : await changes.copyFiles(caller, files, folder, { rename: name })
    done.push(...moved)
  }
  return { nodes: await Promise.all(done.map((node) => apiNode(catalogue, node))) }
}

async function destination(
  services: ApiServices,
  caller: Parameters<typeof findNode>[1],
  to: string,
  count: number,
) {
  const { catalogue } = services
  if (!to.startsWith('/')) return { folder: (await findFolder(catalogue, caller, to)).id, name: undefined }
  const parts = parsePath(to)
  const name = parts.at(-1)
  if (name === undefined) return { folder: ROOT, name: undefined }
  const parent = await findFolder(catalogue, caller, pathText(parts.slice(0, -1)))
  const view = await catalogue.list(caller, parent.id)
  const there = view.folders.find((folder) => folder.name === name)
  if (there !== undefined) return { folder: there.id, name: undefined }
  if (view.files.some((file) => file.name === name)) {
    throw new GatewayError('conflict', `${to} is there already`, {
      hint: 'remove it first, or choose another name',
    })
  }
  if (count > 1 || to.endsWith('/')) {
    throw new GatewayError('not-found', `there is no folder ${to}`, {
      hint: `make it with \`guichet mkdir ${to}\``,
    })
  }
  return { folder: parent.id, name }
}
