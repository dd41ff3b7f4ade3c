import {
  type ByteRange,
  type Clock,
  type DirectContent,
  type FileNode,
  GatewayError,
  linkText,
  MINUTE_MS,
  type TokenOptions,
} from '@guichet/core'
import type { Hashers } from '../hashing/hashers.ts'
import type { Log } from '../log.ts'
import type { Catalogue, HostFor } from './catalogue.ts'
import type { Caller, Gate } from './gate.ts'
import { singleFlight } from './single-flight.ts'

/** A link is good for 5 minutes to start with (wire.md §7.3); one that is older is not begun with. */
const TOKEN_LIFE_MS = 4 * MINUTE_MS
/** Files up to this size are checked as a whole before their first byte leaves, and fetched again if they are wrong. */
const WHOLE_BYTES = 1024 * 1024
const ATTEMPTS_WITHOUT_PROGRESS = 4
const TOKENS_MAX = 10_000

export interface Content {
  readonly startByte: number
  readonly endByte: number
  readonly sizeBytes: number
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * Bytes of files: one token per file for as long as it lives, any number of ranges on it.
 *
 * What is passed on is the file or nothing: an error page, a wrong length, another range than asked are never content.
 * A stream that breaks goes on at the exact byte. A complete read is compared with the file's Whirlpool, and its last
 * bytes are held back until that fits.
 */
export interface Downloads {
  /** Rejects with `invalid` for a range outside the file. The caller may read a part only by leaving the loop. */
  open(caller: Caller, file: FileNode, range: ByteRange | undefined, options?: TokenOptions): Promise<Content>
  /** A fresh direct link for the caller itself; verb `direct`. */
  direct(caller: Caller, file: FileNode, options: TokenOptions): Promise<URL>
}

/** A file, and how it is to be asked for. */
interface Wanted {
  readonly file: FileNode
  readonly options: TokenOptions
}

interface Token {
  readonly url: URL
  readonly untilMs: number
}

export function createDownloads(options: {
  readonly host: HostFor
  readonly gate: Gate
  readonly catalogue: Catalogue
  readonly hashers: Hashers
  readonly clock: Clock
  readonly log: Log
}): Downloads {
  const { host, gate, catalogue, hashers, clock, log } = options
  const tokens = new Map<string, Token>()
  const flights = singleFlight<Token>()

  async function token(caller: Caller, wanted: Wanted): Promise<Token> {
    const name = tokenName(wanted)
    const known = tokens.get(name)
    if (known !== undefined && known.untilMs > clock.nowMs()) return known
    return flights(name, caller.signal, async (signal) => {
      const url = await host({ ...caller, signal }, 'stream').downloadToken(
        wanted.file.link,
        wanted.options,
        { signal },
      )
      const fresh = { url, untilMs: clock.nowMs() + TOKEN_LIFE_MS }
      if (tokens.size >= TOKENS_MAX) tokens.clear()
      tokens.set(name, fresh)
      return fresh
    })
  }

  /** Opens upstream at a byte, with a new token when the one at hand has died. */
  async function connect(caller: Caller, wanted: Wanted, range: ByteRange): Promise<DirectContent> {
    const { file } = wanted
    const { url } = await token(caller, wanted)
    try {
      const content = await host(caller, 'stream').openDirect(
        url,
        wholeFile(file, range) ? undefined : range,
        caller,
      )
      if (content.sizeBytes === file.sizeBytes && content.startByte <= range.startByte) return content
      await content.body[Symbol.asyncIterator]().return?.()
      throw new GatewayError(
        'corrupt',
        `the file ${file.name} has another size at 1fichier than when it was listed`,
        {
          hint: `\`guichet ls --refresh\` of its folder, then try again`,
          facts: { listedBytes: file.sizeBytes, servedBytes: content.sizeBytes },
        },
      )
    } catch (failure) {
      tokens.delete(tokenName(wanted))
      throw failure
    }
  }

  async function* resumed(
    caller: Caller,
    wanted: Wanted,
    startByte: number,
    endByte: number,
  ): AsyncGenerator<Uint8Array> {
    let at = startByte
    let failures = 0
    while (at <= endByte) {
      try {
        const content = await connect(caller, wanted, { startByte: at, endByte })
        for await (const chunk of clipped(content, at, endByte)) {
          at += chunk.length
          failures = 0
          yield chunk
        }
        if (at <= endByte) throw new GatewayError('upstream-down', 'the download ended too early')
      } catch (failure) {
        const error = GatewayError.from(failure)
        failures += 1
        if (!mayResume(error) || failures >= ATTEMPTS_WITHOUT_PROGRESS) throw error
        log.info({ file: wanted.file.link.id, at, code: error.code, failures }, 'a download is resumed')
        await clock.sleep(2 ** failures * 100, caller.signal)
      }
    }
  }

  async function whole(caller: Caller, wanted: Wanted): Promise<Uint8Array> {
    const { file } = wanted
    for (let attempt = 1; ; attempt += 1) {
      const chunks: Uint8Array[] = []
      for await (const chunk of resumed(caller, wanted, 0, file.sizeBytes - 1)) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const hash = hashers.whirlpool()
      await hash.update(bytes)
      if (file.whirlpool === undefined || (await hash.digest()) === file.whirlpool) return bytes
      tokens.delete(tokenName(wanted))
      if (attempt === 2) throw wrongContent(file)
    }
  }

  async function* checked(caller: Caller, wanted: Wanted): AsyncGenerator<Uint8Array> {
    const { file } = wanted
    const hash = hashers.whirlpool()
    let held: Uint8Array | undefined
    try {
      for await (const chunk of resumed(caller, wanted, 0, file.sizeBytes - 1)) {
        await hash.update(chunk)
        if (held !== undefined) yield held
        held = chunk
      }
      if ((await hash.digest()) !== file.whirlpool) throw wrongContent(file)
      if (held !== undefined) yield held
    } finally {
      hash.abandon()
    }
  }

  async function* one(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield await bytes
  }

  return {
    async open(caller, file, range, tokenOptions = {}) {
      const wanted: Wanted = { file, options: tokenOptions }
      if (tokenOptions.cdn === true) await gate.permit(caller, 'cdn', linkText(file.link))
      await gate.permit(caller, 'download', `${await catalogue.pathOf(file.folder)}/${file.name}`)
      const { startByte, endByte } = bounded(file, range)
      const isWhole = startByte === 0 && endByte === file.sizeBytes - 1
      const body =
        !isWhole || file.whirlpool === undefined
          ? resumed(caller, wanted, startByte, endByte)
          : file.sizeBytes <= WHOLE_BYTES
            ? one(whole(caller, wanted))
            : checked(caller, wanted)
      return { startByte, endByte, sizeBytes: file.sizeBytes, body }
    },

    async direct(caller, file, wish) {
      const target = `${await catalogue.pathOf(file.folder)}/${file.name}`
      await gate.permit(caller, 'direct', target)
      if (wish.cdn === true) await gate.permit(caller, 'cdn', target)
      return host(caller, 'stream').downloadToken(file.link, wish, caller)
    },
  }
}

function tokenName({ file, options }: Wanted): string {
  return [file.link.domain, file.link.id, options.cdn === true ? 'cdn' : '', options.pass ?? ''].join(' ')
}

function bounded(file: FileNode, range: ByteRange | undefined): { startByte: number; endByte: number } {
  const lastByte = file.sizeBytes - 1
  const startByte = range?.startByte ?? 0
  const endByte = Math.min(range?.endByte ?? lastByte, lastByte)
  if (startByte <= endByte) return { startByte, endByte }
  throw new GatewayError('invalid', `the range begins after the end of ${linkText(file.link)}`, {
    facts: { startByte, sizeBytes: file.sizeBytes },
  })
}

function wholeFile(file: FileNode, range: ByteRange): boolean {
  return range.startByte === 0 && range.endByte === file.sizeBytes - 1
}

/** The wanted part of a body that may begin earlier than asked, and never more than asked. */
async function* clipped(
  content: DirectContent,
  startByte: number,
  endByte: number,
): AsyncGenerator<Uint8Array> {
  let at = content.startByte
  for await (const chunk of content.body) {
    const from = Math.max(0, startByte - at)
    const to = Math.min(chunk.length, endByte + 1 - at)
    at += chunk.length
    if (to > from) yield chunk.subarray(from, to)
    if (at > endByte) return
  }
}

/** A dead link and a broken connection are mended by going on; a refusal is not. */
function mayResume(error: GatewayError): boolean {
  return error.code === 'upstream-down' || (error.code === 'not-found' && error.facts['expired'] === true)
}

function wrongContent(file: FileNode): GatewayError {
  return new GatewayError(
    'corrupt',
    `the content of ${file.name} does not have the checksum that 1fichier lists`,
    {
      hint: 'try again; if it stays so, the stored file is damaged',
      facts: { file: file.link.id },
    },
  )
}
