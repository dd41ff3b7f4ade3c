import {
  type FileLink,
  type FileNode,
  type FolderId,
  type FolderNode,
  GatewayError,
  linkText,
  parsePath,
  pathText,
  ROOT,
} from '@guichet/core'
import type { ApiDetails, ApiListing, ApiNodes, ApiRemoved, ApiStat } from '@guichet/sdk'
import { z } from 'zod'
import { type Catalogue, isFolder } from '../../services/catalogue/catalogue.ts'
import { planRemoval, removeAll } from '../../services/changes/removal.ts'
import type { Caller } from '../../services/gate.ts'
import {
  findFile,
  findFolder,
  findNode,
  findReadable,
  findSource,
  makePath,
  refuseFile,
  requireFile,
} from '../../services/places.ts'
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
        const node = await findReadable(services, caller, query.at, 'stat')
        await gate.permit(caller, 'stat', query.at)
        if (isFolder(node) || (await catalogue.holds(node))) return { node: await apiNode(catalogue, node) }
        return { node: { ...apiFile(node, '/'), path: linkText(node.link) } }
      },
    },
    {
      route: 'GET /children',
      needs: ['list'],
      async run({ caller, query }): Promise<ApiListing> {
        const { id } = await findFolder(services, caller, query.at)
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
        if (wish.parents === true)
          return { node: await apiNode(catalogue, await makePath(catalogue, changes, caller, parts)) }
        const name = parts.at(-1)
        if (name === undefined) throw new GatewayError('conflict', 'the root folder is there already')
        const parent = await findFolder(services, caller, pathText(parts.slice(0, -1)))
        refuseFile((await catalogue.list(caller, parent.id)).files, parts)
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
        for (const at of wish.at) nodes.push(await findNode(services, caller, at))
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
        const { id } = await findFolder(services, caller, wish.at)
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
        const file = await findFile(services, caller, query.at)
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
        for (const name of at) files.push(await findFile(services, caller, name))
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
        const result = await changes.scanFile(caller, await findFile(services, caller, at))
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
        const file = requireFile(await findReadable(services, caller, at, 'download'), at)
        const url = await downloads.direct(caller, file, {})
        return { url: url.href }
      },
    },
  ]
}

/** `to` is a folder that is there, or a new name for a single thing in a folder that is there. */
async function moveOrCopy(
  services: ApiServices,
  caller: Caller,
  body: object,
  how: 'move' | 'copy',
): Promise<ApiNodes> {
  const { catalogue, changes } = services
  const wish = z.object({ from: places, to: place }).parse(body)
  const find = how === 'move' ? findNode : findSource
  const sources = []
  for (const at of wish.from) sources.push(await find(services, caller, at))
  const { folder, name } = await destination(services, caller, wish.to, sources.length)
  const folders = sources.filter((source): source is FolderNode => !isLink(source) && isFolder(source))
  const files = sources.filter((source): source is FileNode | FileLink => isLink(source) || !isFolder(source))
  if (how === 'copy') {
    if (folders.length > 0) {
      throw new GatewayError('invalid', `"${folders[0]?.name}" is a folder, and 1fichier copies only files`, {
        hint: 'copy the files in it, one folder at a time',
      })
    }
    return nodesOf(catalogue, await copyAll(services, caller, files, folder, name))
  }
  const done = []
  for (const node of folders) done.push(await changes.moveFolder(caller, node.id, folder, name))
  const known = files.filter((file): file is FileNode => !isLink(file))
  if (known.length > 0) done.push(...(await changes.moveFiles(caller, known, folder, name)))
  return nodesOf(catalogue, done)
}

function isLink(source: FolderNode | FileNode | FileLink): source is FileLink {
  return 'domain' in source
}

async function nodesOf(catalogue: Catalogue, nodes: readonly (FolderNode | FileNode)[]): Promise<ApiNodes> {
  return { nodes: await Promise.all(nodes.map((node) => apiNode(catalogue, node))) }
}

/** Copies of what the tree does not know are known by the listing of where they went. */
async function copyAll(
  { catalogue, changes }: ApiServices,
  caller: Caller,
  files: readonly (FileNode | FileLink)[],
  to: FolderId,
  rename: string | undefined,
): Promise<readonly FileNode[]> {
  const known = files.filter((file): file is FileNode => !isLink(file))
  if (known.length === files.length) return changes.copyFiles(caller, known, to, { rename })
  const links = files.map((file) => (isLink(file) ? file : file.link))
  const copies = await changes.copyForeign(caller, links, to, { rename })
  const ids = new Set(copies.map((copy) => copy.id))
  return (await catalogue.list(caller, to)).files.filter((file) => ids.has(file.link.id))
}

async function destination(services: ApiServices, caller: Caller, to: string, count: number) {
  const { catalogue } = services
  if (!to.startsWith('/')) return { folder: (await findFolder(services, caller, to)).id, name: undefined }
  const parts = parsePath(to)
  const name = parts.at(-1)
  if (name === undefined) return { folder: ROOT, name: undefined }
  const parent = await findFolder(services, caller, pathText(parts.slice(0, -1)))
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
