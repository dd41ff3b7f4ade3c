import {
  findFileLink,
  findPublicFolder,
  GatewayError,
  linkText,
  parseFileId,
  parsePath,
  pathText,
} from '@guichet/core'

/**
 * What a person writes to name a file or folder of the account, as the gateway wants it:
 * `/folder/file`, `folder:123`, a link of 1fichier, `?id`, or the 20 characters of an id.
 */
export function parsePlace(text: string): string {
  if (text.startsWith('/')) return pathText(parsePath(text))
  if (/^folder:\d{1,15}$/.test(text)) return text
  const link = findFileLink(text)
  if (link !== undefined) return linkText(link)
  if (findPublicFolder(text) !== undefined) return text.trim()
  const id = /^\?([a-z0-9]{5,20})$/.exec(text)?.[1] ?? /^[a-z0-9]{20}$/.exec(text)?.[0]
  if (id !== undefined) return linkText({ domain: '1fichier.com', id: parseFileId(id) })
  const isAddress = /^[a-z]+:\/\//i.test(text)
  throw new GatewayError('invalid', `${JSON.stringify(text.slice(0, 100))} names nothing on the account`, {
    hint: isAddress
      ? 'only links of 1fichier are understood here; `guichet remote add` fetches other addresses'
      : `write a path from the root, as in ${JSON.stringify(`/${text.slice(0, 100)}`)}, a link of 1fichier, or folder:123`,
  })
}

/** A path below which something will be written: links name what is there already. */
export function parseFolderPlace(text: string): string {
  const place = parsePlace(text)
  if (place.startsWith('/') || place.startsWith('folder:')) return place
  throw new GatewayError('invalid', `${JSON.stringify(text.slice(0, 100))} is not a folder`, {
    hint: 'write the path of the folder, as in /backup, or its id, as in folder:123',
  })
}

/** True for a text that ends in a slash: it means a folder, or what is inside one. */
export function meansFolder(text: string): boolean {
  return text.endsWith('/')
}

/** The path of something inside a folder that is named by its path. */
export function pathInside(folder: string, ...names: readonly string[]): string {
  const joined = names.join('/')
  return folder === '/' ? `/${joined}` : `${folder}/${joined}`
}

/** A path as it can be typed: 1fichier allows neither quotation marks nor `$` in names. */
export function quoted(path: string): string {
  return /^[\w/.:+,=@-]+$/.test(path) ? path : `"${path}"`
}
