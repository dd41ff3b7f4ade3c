import { GatewayError } from './errors.ts'

declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** A folder of the account; 0 is the root. */
export type FolderId = Branded<number, 'FolderId'>
/** The part of a link that names a file: 5 to 20 characters of `[a-z0-9]`. */
export type FileId = Branded<string, 'FileId'>
/** The public name of a virtual key: safe to show and to log. */
export type KeyId = Branded<string, 'KeyId'>
/** One upload under way. */
export type TransferId = Branded<string, 'TransferId'>

export const ROOT: FolderId = 0 as FolderId

/** A folder id as 1fichier and its clients write it: a number, or the digits of one. */
export function parseFolderId(value: unknown): FolderId {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number as FolderId
  throw new GatewayError('invalid', `${describe(value)} is not a folder id`, {
    hint: 'a folder id is a whole number; 0 is the root',
  })
}

export function parseFileId(text: string): FileId {
  if (/^[a-z0-9]{5,20}$/.test(text)) return text as FileId
  throw new GatewayError('invalid', `${describe(text)} is not the id of a file`, {
    hint: 'take the 5 to 20 characters after the `?` of its link',
  })
}

export function parseKeyId(text: string): KeyId {
  if (/^k-[a-z0-9]{8}$/.test(text)) return text as KeyId
  throw new GatewayError('invalid', `${describe(text)} is not the id of a virtual key`, {
    hint: '`guichet key list` shows the ids',
  })
}

export function parseTransferId(text: string): TransferId {
  if (/^[a-z0-9]{16}$/.test(text)) return text as TransferId
  throw new GatewayError('invalid', `${describe(text)} is not the id of a transfer`)
}

function describe(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
