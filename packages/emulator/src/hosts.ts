import { type Random, randomIndex } from './random.ts'

/** Position in this list is the domain id of wire.md §12. */
export const DOMAINS: readonly string[] = [
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
]

export const API_HOST = 'api.1fichier.com'

const UPLOAD_NODES = ['up1', 'up2', 'up3', 'up4', 'ru-3']
const DOWNLOAD_NODE_COUNT = 9

export type Host =
  | { readonly kind: 'api' }
  | { readonly kind: 'upload'; readonly name: string }
  | { readonly kind: 'download'; readonly name: string }
  /** `fileId` is set for the old link form `https://<id>.1fichier.com/`. */
  | { readonly kind: 'site'; readonly domain: number; readonly fileId: string | undefined }
  | { readonly kind: 'unknown'; readonly name: string }

/** What a Host header names; a port is ignored. */
export function classifyHost(header: string): Host {
  const name = header.toLowerCase().replace(/:\d+$/, '')
  if (name === API_HOST) return { kind: 'api' }
  if (/^(up|ru-)\d+\.1fichier\.com$/.test(name)) return { kind: 'upload', name }
  if (/^a-\d+\.1fichier\.com$/.test(name)) return { kind: 'download', name }
  const bare = name.replace(/^www\./, '')
  const domain = DOMAINS.indexOf(bare)
  if (domain >= 0) return { kind: 'site', domain, fileId: undefined }
  const old = /^([a-z0-9]{5,20})\.(.+)$/.exec(name)
  const oldDomain = DOMAINS.indexOf(old?.[2] ?? '')
  if (old && oldDomain >= 0) return { kind: 'site', domain: oldDomain, fileId: old[1] }
  return { kind: 'unknown', name }
}

/** Every name the certificate of the emulator is good for. */
export function certifiedNames(): string[] {
  return DOMAINS.flatMap((domain) => [domain, `*.${domain}`])
}

export function pickUploadNode(random: Random): string {
  return `${UPLOAD_NODES[randomIndex(random, UPLOAD_NODES.length)]}.1fichier.com`
}

export function pickDownloadNode(random: Random): string {
  return `a-${1 + randomIndex(random, DOWNLOAD_NODE_COUNT)}.1fichier.com`
}

export function fileLink(domain: number, fileId: string): string {
  return `https://${DOMAINS[domain] ?? DOMAINS[0]}/?${fileId}`
}

export interface ParsedLink {
  readonly domain: number
  readonly fileId: string
  readonly inline: boolean
}

/**
 * Reads a download link as the API does: the id must stand alone.
 * Affiliate suffixes make it unreadable (wire.md §7.1); `&inline=1` is the one that get_token.cgi takes (§7.2).
 */
export function parseFileLink(text: string): ParsedLink | undefined {
  const modern = /^https?:\/\/(?:www\.)?([a-z0-9.]+)\/\?([a-z0-9]{5,20})(&inline=1)?$/.exec(text)
  const old = /^https?:\/\/([a-z0-9]{5,20})\.([a-z0-9]+\.[a-z]+)\/?$/.exec(text)
  const domain = DOMAINS.indexOf(modern?.[1] ?? old?.[2] ?? '')
  const fileId = modern?.[2] ?? old?.[1]
  if (domain < 0 || fileId === undefined) return undefined
  return { domain, fileId, inline: modern?.[3] !== undefined }
}
