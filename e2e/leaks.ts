import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'

/** A place where a secret was found, and in which form. */
export interface Leak {
  readonly place: string
  readonly form: string
}

/** Searches for a secret in every form in which it may have been written down. */
export interface Search {
  /** How many places were looked at, and how many bytes they had. */
  readonly looked: { places: number; bytes: number }
  readonly leaks: Leak[]
  bytes(place: string, content: Uint8Array | string): void
  /** Reads in pieces that overlap, so that nothing hides between two of them. */
  file(place: string): void
  /** Every regular file below a directory, however it is called. */
  directory(root: string): Promise<void>
  /** The readable anonymous memory of a process; false where the system does not allow it. */
  memory(pid: number): boolean
  /** What everybody on the machine can read about a process. */
  process(pid: number): void
}

const PIECE_BYTES = 1024 * 1024

/** Parts of the secret are searched for, so that one broken off or cut in two is found as well. */
const PART_LENGTH = 12

export function searchFor(secret: string): Search {
  const needles = formsOf(secret)
  const longest = Math.max(...needles.map(({ bytes }) => bytes.length))
  const leaks: Leak[] = []
  const looked = { places: 0, bytes: 0 }

  function look(place: string, content: Uint8Array): void {
    const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    looked.bytes += buffer.length
    for (const { form, bytes } of needles) if (buffer.includes(bytes)) leaks.push({ place, form })
  }

  /** Looks through a part of an open file; false when it cannot be read. */
  function stream(place: string, descriptor: number, from: number, to: number): boolean {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - from) + longest)
    for (let at = from; at < to; ) {
      let count = 0
      try {
        count = readSync(descriptor, piece, 0, Math.min(piece.length, to - at), at)
      } catch {
        return at > from // The end of what the system lets us read.
      }
      if (count === 0) break
      look(place, piece.subarray(0, count))
      if (at + count >= to) break
      at += Math.max(1, count - longest)
    }
    return true
  }

  const search: Search = {
    looked,
    leaks,

    bytes(place, content) {
      looked.places += 1
      look(place, typeof content === 'string' ? Buffer.from(content) : content)
    },

    file(place) {
      looked.places += 1
      const descriptor = openSync(place, 'r')
      try {
        stream(place, descriptor, 0, Number.MAX_SAFE_INTEGER)
      } finally {
        closeSync(descriptor)
      }
    },

    async directory(root) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        search.bytes(`the name of ${entry.name}`, entry.name)
        if (entry.isFile()) search.file(path.join(entry.parentPath, entry.name))
      }
    },

    memory(pid) {
      let isReadable = false
      try {
        const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
        const descriptor = openSync(`/proc/${pid}/mem`, 'r')
        try {
          for (const line of maps) {
            const [range = '', rights = '', , , inode, name = ''] = line.trim().split(/\s+/)
            const isAnonymous = inode === '0' || rights.includes('w')
            if (!rights.startsWith('r') || !isAnonymous || /^\[v/.test(name)) continue
            const [from = 0, to = 0] = range.split('-').map((digits) => Number.parseInt(digits, 16))
            looked.places += 1
            isReadable = stream(`memory of ${pid} ${line}`, descriptor, from, to) || isReadable
          }
        } finally {
          closeSync(descriptor)
        }
      } catch (failure) {
        if (!/EACCES|EPERM|ENOENT/.test(String(failure))) throw failure
      }
      return isReadable
    },

    process(pid) {
      for (const name of ['cmdline', 'environ', 'comm', 'status']) search.file(`/proc/${pid}/${name}`)
    },
  }
  return search
}

interface Needle {
  readonly form: string
  readonly bytes: Buffer
}

/** Every form of every part. Base64 has three, by how many bytes are before the part. */
export function formsOf(secret: string): readonly Needle[] {
  const starts = [0, Math.floor((secret.length - PART_LENGTH) / 2), secret.length - PART_LENGTH]
  const forms = starts.flatMap((start) => formsOfPart(secret.slice(start, start + PART_LENGTH), start))
  const known = new Set<string>()
  return forms.filter(({ bytes }) => known.size < known.add(bytes.toString('latin1')).size)
}

function formsOfPart(part: string, start: number): readonly Needle[] {
  const escaped = (character: (code: string) => string): string =>
    [...part].map((one) => character(one.charCodeAt(0).toString(16).padStart(2, '0'))).join('')
  const special = (replaced: (code: string) => string): string =>
    part.replace(/[^A-Za-z0-9]/g, (one) => replaced(one.charCodeAt(0).toString(16).padStart(2, '0')))
  const hex = Buffer.from(part).toString('hex')
  const texts: Readonly<Record<string, string>> = {
    raw: part,
    reversed: [...part].reverse().join(''),
    'hex, small letters': hex,
    'hex, capitals': hex.toUpperCase(),
    'URL-encoded': encodeURIComponent(part),
    'URL-encoded, small letters': encodeURIComponent(part).replace(/%\w\w/g, (code) => code.toLowerCase()),
    'URL-encoded, each byte': escaped((code) => `%${code.toUpperCase()}`),
    'URL-encoded, each byte in small letters': escaped((code) => `%${code}`),
    'JSON-escaped': special((code) => `\\u00${code}`),
    'JSON-escaped, capitals': special((code) => `\\u00${code.toUpperCase()}`),
    'JSON-escaped, each character': escaped((code) => `\\u00${code}`),
    'HTML-escaped': special((code) => `&#${Number.parseInt(code, 16)};`),
    ...base64Of(part, 'base64'),
    ...base64Of(part, 'base64url'),
  }
  const name = (form: string): string => `${form}, from character ${start}`
  return [
    ...Object.entries(texts).map(([form, text]) => ({ form: name(form), bytes: Buffer.from(text) })),
    { form: name('UTF-16'), bytes: Buffer.from(part, 'utf16le') },
  ]
}

/** The base64 digits that depend on nothing but the part. */
function base64Of(part: string, encoding: 'base64' | 'base64url'): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [0, 1, 2].map((before) => {
      const whole = Buffer.from(`${'x'.repeat(before)}${part}`).toString(encoding)
      const end = Math.floor(((before + part.length) * 8) / 6)
      return [`${encoding} after ${before} bytes`, whole.slice(Math.ceil((before * 8) / 6), end)]
    }),
  )
}
