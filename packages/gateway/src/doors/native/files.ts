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
import type { Catalogue } from '../../services/catalogue.ts'
import { noLink } from '../../services/changes.ts'
import type { Caller } from '../../services/gate.ts'
import type { NativeServices, Route } from './routes.ts'
import { fileItem, flag, folderId, link, links, text } from './shapes.ts'

const access = z.object({
  ip: z.array(z.string()).optional(),
  country: z.array(z.string()).optional(),
  email: z.array(z.string()).optional(),
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
    .or(z.array(z.never()).transform((): z.infer<typeof access> => ({ premium: undefined })))
    .optional(),
})

/** `/v1/file/*.cgi` and `/v1/download/get_token.cgi`. */
export function fileRoutes(services: NativeServices): Readonly<Record<string, Route>> {
  const { catalogue, changes, foreign } = services

  async function own(caller: Caller, urls: readonly string[]): Promise<readonly FileNode[]> {
    return Promise.all(urls.map((url) => ownFile(catalogue, caller, url)))
  }

  return {
    'file/info': async (caller, body) => {
      const wish = z.object({ url: text, pass: text, folder_id: folderId, filename: text }).parse(body)
      const target = await locate(catalogue, caller, wish)
      await services.gate.permit(
        caller,
        'stat',
        target instanceof Object && 'name' in target ? target.name : linkText(target),
      )
      if (!('name' in target)) return foreign.info(caller, target, wish.pass)
      const path = await catalogue.pathOf(target.folder)
      return { ...fileItem(target), folder_id: target.folder, path: path.slice(1), status: 'OK' }
    },

    'file/scan': async (caller, body) => {
      const { url } = z.object({ url: link }).parse(body)
      const result = await changes.scanFile(caller, await ownFile(catalogue, caller, url))
      return result.kind === 'clean'
        ? { status: 'OK', message: '' }
        : { status: 'KO', message: result.message }
    },

    'file/rm': async (caller, body) => {
      const wish = z
        .object({
          files: z
            .array(z.object({ url: link, code: text }))
            .min(1)
            .max(5_000),
        })
        .parse(body)
      const urls = wish.files.map((file) => file.url)
      const removed = await changes.removeFiles(caller, await own(caller, urls))
      return { status: 'OK', removed, urls }
    },

    'file/mv': async (caller, body) => {
      const wish = z.object({ urls: links, destination_folder_id: folderId, rename: text }).parse(body)
      const name = wish.rename === '' ? undefined : wish.rename
      const moved = await changes.moveFiles(
        caller,
        await own(caller, wish.urls),
        wish.destination_folder_id ?? ROOT,
        name,
      )
      const renamed = name === undefined ? {} : { filename: name }
      return { status: 'OK', moved: moved.length, urls: moved.map((file) => linkText(file.link)), ...renamed }
    },

    'file/rename': async (caller, body) => {
      const wish = z
        .object({
          urls: z
            .array(z.object({ url: link, filename: z.string() }))
            .min(1)
            .max(5_000),
        })
        .parse(body)
      const files = await own(
        caller,
        wish.urls.map((entry) => entry.url),
      )
      await changes.renameFiles(
        caller,
        files.map((file, index) => ({ file, name: wish.urls[index]?.filename ?? file.name })),
      )
      const urls = files.map((file, index) => ({
        url: linkText(file.link),
        old_filename: file.name,
        new_filename: wish.urls[index]?.filename,
      }))
      return { status: 'OK', renamed: files.length, urls }
    },

    'file/cp': async (caller, body) => {
      const wish = z.object({ urls: links, folder_id: folderId, rename: text, pass: text }).parse(body)
      const rename = wish.rename === '' ? undefined : wish.rename
      const to = wish.folder_id ?? ROOT
      const sources = await Promise.all(wish.urls.map((url) => locate(catalogue, caller, { url })))
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
      const urls = copied.map((copy, index) => ({ from_url: wish.urls[index], to_url: linkText(copy) }))
      return {
        status: 'OK',
        copied: copied.length,
        urls,
        ...(rename === undefined ? {} : { filename: rename }),
      }
    },

    'file/chattr': async (caller, body) => {
      const wish = attributes.parse(body)
      const files = await own(caller, wish.urls)
      await changes.changeFiles(caller, files, toChanges(wish))
      return { status: 'OK', updated: files.length, urls: wish.urls }
    },

    'download/get_token': async (caller, body, visit) => {
      const wish = z
        .object({ url: text, pass: text, inline: flag, cdn: flag, folder_id: folderId, filename: text })
        .parse(body)
      const target = await locate(catalogue, caller, wish)
      const file = 'name' in target ? target : await foreign.file(caller, target, wish.pass)
      await services.gate.permit(caller, 'download', `${await catalogue.pathOf(file.folder)}/${file.name}`)
      if (wish.cdn === true) await services.gate.permit(caller, 'cdn', file.name)
      const isInline = wish.inline === true || /[?&]inline=1\b/.test(wish.url ?? '')
      const options = { pass: wish.pass, cdn: wish.cdn, inline: isInline }
      return {
        status: 'OK',
        url: services.ticketUrl(visit, { principal: caller.principal, file, options }),
        message: '',
      }
    },
  }
}

/** A file of the tree by its link, as far as the key may see it. */
export async function ownFile(catalogue: Catalogue, caller: Caller, url: string): Promise<FileNode> {
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
