import type { FileAccess, FileDetails, FileEntry } from '@guichet/core'
import { Fields, isRecord, type JsonObject } from './fields.ts'

/** One file of a listing (wire.md §4). A date that says "never" is 0. */
export function entryOf(item: Fields): FileEntry {
  return {
    link: item.link('url'),
    name: item.text('filename'),
    sizeBytes: item.count('size'),
    dateMs: item.findMoment('date') ?? 0,
    whirlpool: whirlpoolOf(item, 'checksum'),
    // The hyphen is on the wire; one source writes an underscore (wire.md §15.4).
    contentType: item.findText('content-type', 'content_type'),
    hasPassword: item.flag('pass'),
    isRestricted: isRestricted(item),
    usesCdn: item.flag('cdn'),
  }
}

/** A folder id of 0 is taken for the root; for other people's files nobody knows what stands there (wire.md §4.2). */
export function detailsOf(reply: Fields): FileDetails {
  const path = reply.findText('path')
  const acl = reply.find('acl')
  return {
    ...entryOf(reply),
    folder: reply.findFolder('folder_id'),
    path: path === undefined ? undefined : `/${path.replace(/^\/+|\/+$/g, '')}`,
    description: reply.findText('description'),
    isInline: reply.flag('inline'),
    withoutTls: reply.flag('no_ssl'),
    access: isRecord(acl) ? accessIn(new Fields(acl, 'acl')) : undefined,
  }
}

/** Whirlpool, 128 hexadecimal digits; whatever else stands there is not one, and 1fichier may fill it in later. */
export function whirlpoolOf(item: Fields, name: string): string | undefined {
  const text = item.findText(name)?.toLowerCase()
  return text !== undefined && /^[0-9a-f]{128}$/.test(text) ? text : undefined
}

/** Who may download, in 1fichier's words; `{}` removes every restriction (wire.md §4.9). */
export function accessOf(access: FileAccess): JsonObject {
  return {
    ip: access.addresses,
    country: access.countries,
    email: access.emails,
    premium: access.premiumOnly === undefined ? undefined : access.premiumOnly ? 1 : 0,
  }
}

/** A listing says 0 or 1, file/info gives the rules themselves (wire.md §4.2). */
function isRestricted(item: Fields): boolean {
  const acl = item.find('acl')
  if (Array.isArray(acl)) return acl.length > 0
  return isRecord(acl) ? accessIn(new Fields(acl, 'acl')) !== undefined : item.flag('acl')
}

function accessIn(acl: Fields): FileAccess | undefined {
  const addresses = acl.texts('ip')
  const countries = acl.texts('country')
  const emails = acl.texts('email')
  const access: FileAccess = {
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(countries.length > 0 ? { countries } : {}),
    ...(emails.length > 0 ? { emails } : {}),
    ...(acl.flag('premium') ? { premiumOnly: true } : {}),
  }
  return Object.keys(access).length > 0 ? access : undefined
}
