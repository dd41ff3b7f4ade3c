import { GatewayError } from './errors.ts'
import { type FileId, parseFileId } from './ids.ts'

/**
 * A file's link, taken apart once.
 * The domain is part of the identity: a file bound to another domain is unknown under 1fichier.com (wire.md §7.1).
 */
export interface FileLink {
  readonly domain: Domain
  readonly id: FileId
}

/** The domains of wire.md §12, in the order of their numbers; desfichiers.net and mesfichiers.net are seen in the wild. */
export const DOMAINS = [
  '1fichier.com',
  'alterupload.com',
  'cjoint.net',
  'desfichiers.com',
  'dfichiers.com',
  'megadl.fr',
  'mesfichiers.org',
  'piecejointe.net',
  'pjointe.com',
  'tenvoi.com',
  'dl4free.com',
  'desfichiers.net',
  'mesfichiers.net',
] as const

export type Domain = (typeof DOMAINS)[number]

/** How 1fichier writes the link, without affiliate or other suffixes. */
export function linkText(link: FileLink): string {
  return `https://${link.domain}/?${link.id}`
}

/**
 * Accepts `https://1fichier.com/?id` and the old form `https://id.1fichier.com/`,
 * with `&af=…` and other suffixes, with or without scheme, `www.` or port.
 */
export function parseFileLink(text: string): FileLink {
  const link = findFileLink(text)
  if (link !== undefined) return link
  throw new GatewayError(
    'invalid',
    `${JSON.stringify(text.slice(0, 80))} is not a link to a file of 1fichier`,
    {
      hint: 'a link looks like https://1fichier.com/?abcde12345fghij67890',
    },
  )
}

const MODERN_LINK = /^(?:https?:\/\/)?(?:www\.)?([a-z0-9.-]+)(?::\d+)?\/?\?([a-z0-9]+)(?:[&#].*)?$/i
/** `?x` alone behind the old form would be a second id, so that only what cannot be one counts as a suffix. */
const OLD_LINK =
  /^(?:https?:\/\/)?(?:www\.)?([a-z0-9]+)\.([a-z0-9.-]+?)(?::\d+)?(?:\/(?:\??[&#].*|\?(?:[a-z_]+=.*)?)?)?$/i
const PUBLIC_FOLDER =
  /^(?:https?:\/\/)?(?:www\.)?([a-z0-9.-]+)(?::\d+)?\/(?:[a-z]{2}\/)?dir\/([a-z0-9]{5,20})\/?(?:[?&#].*)?$/i

/** As `parseFileLink`, with `undefined` for a text that is no link to a file. */
export function findFileLink(text: string): FileLink | undefined {
  const [, host = '', id = ''] = MODERN_LINK.exec(text.trim()) ?? []
  if (id !== '') return fileLink(host, id)
  const [, name = '', domain = ''] = OLD_LINK.exec(text.trim()) ?? []
  return fileLink(domain, name.toLowerCase())
}

/** The id of a public folder in `https://1fichier.com/dir/abc123`, with or without a language prefix or a suffix. */
export function findPublicFolder(text: string): string | undefined {
  const [, host = '', id] = PUBLIC_FOLDER.exec(text.trim()) ?? []
  return isDomain(host.toLowerCase()) ? id : undefined
}

export function isDomain(host: string): host is Domain {
  return (DOMAINS as readonly string[]).includes(host)
}

/** True for 1fichier's own host names, the ones whose traffic the proxy door speaks for. */
export function isUpstreamHost(host: string): boolean {
  const name = host.toLowerCase()
  return DOMAINS.some((domain) => name === domain || name.endsWith(`.${domain}`))
}

function fileLink(host: string, id: string): FileLink | undefined {
  const domain = host.toLowerCase()
  if (!isDomain(domain) || !/^[a-z0-9]{5,20}$/.test(id)) return undefined
  return { domain, id: parseFileId(id) }
}
