import {
  type FileId,
  type FileLink,
  type FolderId,
  GatewayError,
  linkText,
  MINUTE_MS,
  pathText,
} from '@guichet/core'

/** One text for all that a key cannot see: 1fichier's own for a thing that is not there. */
export function noFolder(id: FolderId): GatewayError {
  return new GatewayError('not-found', `there is no folder ${id}`, {
    hint: '`guichet ls /` shows what is there',
  })
}

export function noLink(links: readonly FileLink[]): GatewayError {
  return new GatewayError('not-found', `there is no file ${links.map(linkText).join(' ').slice(0, 500)}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}

export function noFile(id: FileId): GatewayError {
  return new GatewayError('not-found', `there is no file ${id}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}

/** `ageMs`: how old the listing is that does not show it. */
export function noPath(parts: readonly string[], depth: number, ageMs: number): GatewayError {
  return new GatewayError('not-found', `there is no ${pathText(parts)}`, {
    hint: hintFor(pathText(parts.slice(0, depth)), ageMs),
  })
}

/** Others write to the account as well: what is not in an older listing may be there by now. */
function hintFor(folder: string, ageMs: number): string {
  // No name at 1fichier has a quotation mark.
  const typed = /^[\w/.:+,=@-]+$/.test(folder) ? folder : `"${folder}"`
  return ageMs < MINUTE_MS
    ? `\`guichet ls ${typed}\` shows what is there`
    : `\`guichet ls --refresh ${typed}\` asks 1fichier what is there by now`
}
