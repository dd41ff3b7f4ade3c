import {
  type FileChanges,
  type FileLink,
  type FileNode,
  findFileLink,
  GatewayError,
  linkText,
  ROOT,
} from '@guichet/core'
import { z } from 'zod'
import type { Catalogue } from '../../services/catalogue/catalogue.ts'
import { noLink } from '../../services/catalogue/missing.ts'
import { verbsFor } from '../../services/changes/file-changes.ts'
import type { Caller } from '../../services/gate.ts'
import { list } from '../bounded.ts'
import type { NativeServices, Routes } from './routes.ts'
import { fileDetails, flag, folderId, link, links, text } from './shapes.ts'

const NAMES_MAX = 5_000

const access = z.object({
  ip: list(z.string()).optional(),
  country: list(z.string()).optional(),
  email: list(z.string()).optional(),
  premium: flag,
})

const attributes = z.object({
  urls: links,
  filename: text,
  description: text,
  pass: text,
  no_ssl: flag,
  inline: flag,
  cdn: flag,
  acl: access
    .or(list(z.never()).transform((): z.infer<typeof access> => ({ premium: undefined })))
    .optional(),
})

/** `/v1/file/*.cgi` and `/v1/download/get_token.cgi`. */
export function fileRoutes(
  services: NativeServices,
): Routes<
  | 'file/info'
  | 'file/scan'
  | 'file/rm'
  | 'file/mv'
  | 'file/rename'
  | 'file/cp'
  | 'file/chattr'
  | 'download/get_token'
> {
  return { ...questionRoutes(services), ...placeRoutes(services), ...changeRoutes(services) }
}

function questionRoutes({
  catalogue,
  changes,
  downloads,
  foreign,
  gate,
  host,
  ticketUrl,
}: NativeServices): Routes<'file/info' | 'file/scan' | 'download/get_token'> {
  return {
    'file/info': {
      needs: ['stat'],
      async run(caller, body) {
        const wish = z.object({ url: text, pass: text, folder_id: folderId, filename: text }).parse(body)
        const target = await locate(catalogue, caller, wish)
        if (!('name' in target)) return fileDetails(await foreign.details(caller, target, wish.pass))
        const path = await catalogue.pathOf(target.folder)
        await gate.permit(caller, 'stat', `${path}/${target.name}`)
        // Whom a file is restricted to is the one thing that listings do not tell.
        if (!target.isRestricted) return fileDetails({ ...target, path })
        const recheck = (): Promise<void> => catalogue.requireStill(caller, { files: [target] })
        const details = await host({ ...caller, recheck }, 'interactive').fileInfo(target.link, {}, caller)
        return fileDetails({ ...details, folder: target.folder, path })
      },
    },

    'file/scan': {
      needs: ['delete'],
      async run(caller, body) {
        const { url } = z.object({ url: link }).parse(body)
        const result = await changes.scanFile(caller, await ownFile(catalogue, caller, url))
        return result.kind === 'clean'
          ? { status: 'OK', message: '' }
          : { status: 'KO', message: result.message }
      },
    },

    'download/get_token': {
      needs: ['download'],
      async run(caller, body, visit) {
        const wish = z
          .object({ url: text, pass: text, inline: flag, cdn: flag, folder_id: folderId, filename: text })
          .parse(body)
        const target = await locate(catalogue, caller, wish)
        const file = 'name' in target ? target : await foreign.file(caller, target, wish.pass)
        const isInline = wish.inline === true || /[?&]inline=1\b/.test(wish.url ?? '')
        const options = { pass: wish.pass, cdn: wish.cdn, inline: isInline }
        await downloads.permitLink(caller, file, options)
        const url = ticketUrl(visit, { principal: caller.principal, file, options })
        return { status: 'OK', url, message: '' }
      },
    },
  }
}

function placeRoutes({
  catalogue,
  changes,
}: NativeServices): Routes<'file/rm' | 'file/mv' | 'file/rename' | 'file/cp'> {
  return {
    'file/rm': {
      needs: ['delete'],
      async run(caller, body) {
        const wish = z
          .object({
            files: z
              .array(z.object({ url: link, code: text }))
              .min(1)
              .max(NAMES_MAX),
          })
          .parse(body)
        const urls = wish.files.map((file) => file.url)
        const removed = await changes.removeFiles(caller, await ownFiles(catalogue, caller, urls))
        return { status: 'OK', removed, urls }
      },
    },

    'file/mv': {
      needs: ['move', 'rename'],
      async run(caller, body) {
        const wish = z.object({ urls: links, destination_folder_id: folderId, rename: text }).parse(body)
        const name = wish.rename === '' ? undefined : wish.rename
        const files = await ownFiles(catalogue, caller, wish.urls)
        const moved = await changes.moveFiles(caller, files, wish.destination_folder_id ?? ROOT, name)
        return {
          status: 'OK',
          moved: moved.length,
          urls: moved.map((file) => linkText(file.link)),
          ...(name !== undefined && { filename: name }),
        }
      },
    },

    'file/rename': {
      needs: ['rename'],
      async run(caller, body) {
        const wish = z
          .object({
            urls: z
              .array(z.object({ url: link, filename: z.string() }))
              .min(1)
              .max(NAMES_MAX),
          })
          .parse(body)
        const renames = []
        for (const { url, filename } of wish.urls) {
          renames.push({ file: await ownFile(catalogue, caller, url), name: filename })
        }
        const after = await changes.renameFiles(caller, renames)
        const urls = renames.flatMap(({ file, name }, index) =>
          file.name === name
            ? []
            : {
                url: linkText(after[index]?.link ?? file.link),
                old_filename: file.name,
                new_filename: name,
              },
        )
        // rclone takes an OK here for a file that has got a new name, and then removes the other one.
        if (urls.length === 0) return { status: 'KO', message: 'No file has been renamed #312' }
        return { status: 'OK', renamed: urls.length, urls }
      },
    },

    'file/cp': {
      needs: ['copy'],
      async run(caller, body) {
        const wish = z.object({ urls: links, folder_id: folderId, rename: text, pass: text }).parse(body)
        const rename = wish.rename === '' ? undefined : wish.rename
        const to = wish.folder_id ?? ROOT
        const sources = []
        for (const url of wish.urls) sources.push(await locate(catalogue, caller, { url }))
        const known = sources.filter((source): source is FileNode => 'name' in source)
        const options = { rename, pass: wish.pass }
        const copied =
          known.length === sources.length
            ? (await changes.copyFiles(caller, known, to, options)).map((file) => file.link)
            : await changes.copyForeign(
                caller,
                sources.map((source) => ('name' in source ? source.link : source)),
                to,
                options,
              )
        return {
          status: 'OK',
          copied: copied.length,
          urls: copied.map((copy, index) => ({ from_url: wish.urls[index], to_url: linkText(copy) })),
          ...(rename !== undefined && { filename: rename }),
        }
      },
    },
  }
}

function changeRoutes({ catalogue, changes }: NativeServices): Routes<'file/chattr'> {
  return {
    'file/chattr': {
      needs: ['rename', 'password', 'share', 'cdn'],
      async run(caller, body) {
        const wish = attributes.parse(body)
        const files = await ownFiles(catalogue, caller, wish.urls)
        const wanted = toChanges(wish)
        if (verbsFor(wanted).length === 0) return { status: 'KO', message: 'No changes requested #312' }
        await changes.changeFiles(caller, files, wanted)
        return { status: 'OK', updated: files.length, urls: wish.urls }
      },
    },
  }
}

async function ownFiles(
  catalogue: Catalogue,
  caller: Caller,
  urls: readonly string[],
): Promise<readonly FileNode[]> {
  const files = []
  for (const url of urls) files.push(await ownFile(catalogue, caller, url))
  return files
}

/** A file of the tree by its link, as far as the key may see it. */
async function ownFile(catalogue: Catalogue, caller: Caller, url: string): Promise<FileNode> {
  const target = await locate(catalogue, caller, { url })
  if ('name' in target) return target
  throw noLink([target])
}

/** What a request names: a file of the tree, or a link that the tree does not know (only for keys without a root). */
async function locate(
  catalogue: Catalogue,
  caller: Caller,
  wish: {
    readonly url?: string | undefined
    readonly folder_id?: Parameters<Catalogue['list']>[1] | undefined
    readonly filename?: string | undefined
  },
): Promise<FileNode | FileLink> {
  if (wish.url === undefined && wish.filename !== undefined) {
    const { files } = await catalogue.list(caller, wish.folder_id ?? ROOT)
    const file = files.find((entry) => entry.name === wish.filename)
    if (file !== undefined) return file
    throw new GatewayError('not-found', `there is no file ${JSON.stringify(wish.filename)} in this folder`)
  }
  const found = findFileLink(wish.url ?? '')
  if (found === undefined) {
    throw new GatewayError(
      'invalid',
      `${JSON.stringify((wish.url ?? '').slice(0, 80))} is not a link to a file`,
      {
        hint: 'send "url": "https://1fichier.com/?…"',
      },
    )
  }
  try {
    const file = await catalogue.file(caller, found.id)
    if (file.link.domain === found.domain) return file
  } catch (failure) {
    if (GatewayError.from(failure).code !== 'not-found') throw failure
  }
  if (caller.principal.root !== ROOT) throw noLink([found])
  return found
}

function toChanges(wish: z.infer<typeof attributes>): FileChanges {
  const { filename, description, pass, no_ssl: withoutTls, inline, cdn, acl } = wish
  const access = acl && {
    ...(acl.ip && { addresses: acl.ip }),
    ...(acl.country && { countries: acl.country }),
    ...(acl.email && { emails: acl.email }),
    ...(acl.premium !== undefined && { premiumOnly: acl.premium }),
  }
  return {
    ...(filename !== undefined && { name: filename }),
    ...(description !== undefined && { description }),
    ...(pass !== undefined && { pass }),
    ...(withoutTls !== undefined && { withoutTls }),
    ...(inline !== undefined && { inline }),
    ...(cdn !== undefined && { cdn }),
    ...(access !== undefined && { access }),
  }
}
