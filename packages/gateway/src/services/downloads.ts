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
import type { Budgets } from './budgets/budgets.ts'
import type { Catalogue, HostFor } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'
import { singleFlight } from './single-flight.ts'

/** A link is good for 5 minutes to start with (wire.md §7.3); one that is older is not begun with. */
const TOKEN_LIFE_MS = 4 * MINUTE_MS
/** Files up to this size are checked as a whole before their first byte leaves, and fetched again if they are wrong. */
const WHOLE_BYTES = 1024 * 1024
const WHOLE_ATTEMPTS = 2
const ATTEMPTS_WITHOUT_PROGRESS = 4
/** One wrong length is a fault of a node; two are another file. */
const ATTEMPTS_AT_ANOTHER_SIZE = 2
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
  /** What `open` asks of the key, for an answer without content. */
  permit(caller: Caller, file: FileNode, options?: TokenOptions): Promise<void>
  /** As `permit`, for a link of ours that is given out: it counts as a direct link asked for. */
  permitLink(caller: Caller, file: FileNode, options?: TokenOptions): Promise<void>
  /** Rejects with `invalid` for a range outside the file. The caller may read a part only by leaving the loop. */
  open(caller: Caller, file: FileNode, range: ByteRange | undefined, options?: TokenOptions): Promise<Content>
  /**
   * A fresh direct link for the caller itself; verb `direct`. Its bytes come past this gateway, so the whole file counts
   * as given.
   */
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

interface DownloadsOptions {
  readonly host: HostFor
  readonly gate: Gate
  readonly budgets: Budgets
  readonly catalogue: Catalogue
  readonly hashers: Hashers
  readonly clock: Clock
  readonly log: Log
}

export function createDownloads(options: DownloadsOptions): Downloads {
  return new TokenDownloads(options)
}

class TokenDownloads implements Downloads {
  readonly #options: DownloadsOptions
  readonly #tokens = new Map<string, Token>()
  readonly #flights = singleFlight<Token>()

  constructor(options: DownloadsOptions) {
    this.#options = options
  }

  async permit(caller: Caller, file: FileNode, { cdn }: TokenOptions = {}): Promise<void> {
    const { gate } = this.#options
    const target = await this.#targetOf(file)
    await gate.permit(caller, 'download', target)
    if (cdn === true) await gate.permit(caller, 'cdn', target)
  }

  async permitLink(caller: Caller, file: FileNode, options: TokenOptions = {}): Promise<void> {
    await this.permit(caller, file, options)
    const use = { caller, verb: 'download', target: await this.#targetOf(file) } as const
    const link = await this.#options.budgets.reserve(use, { tokens: 1 })
    link.settle({ tokens: 1 })
  }

  async open(
    caller: Caller,
    file: FileNode,
    range: ByteRange | undefined,
    options: TokenOptions = {},
  ): Promise<Content> {
    await this.permit(caller, file, options)
    const wanted: Wanted = { file, options }
    const { sizeBytes } = file
    // 1fichier keeps no empty files, so there is nothing to ask for.
    if (sizeBytes === 0 && range === undefined)
      return { startByte: 0, endByte: -1, sizeBytes, body: nothing() }
    const { startByte, endByte } = bounded(file, range)
    const isWhole = startByte === 0 && endByte === sizeBytes - 1
    const body =
      !isWhole || file.whirlpool === undefined
        ? this.#resumed(caller, wanted, startByte, endByte)
        : sizeBytes <= WHOLE_BYTES
          ? this.#whole(caller, wanted)
          : this.#checked(caller, wanted)
    return { startByte, endByte, sizeBytes, body: this.#counted(caller, file, endByte + 1 - startByte, body) }
  }

  async direct(caller: Caller, file: FileNode, wish: TokenOptions): Promise<URL> {
    const { gate, host, catalogue, budgets } = this.#options
    const target = await this.#targetOf(file)
    await gate.permit(caller, 'direct', target)
    if (wish.cdn === true) await gate.permit(caller, 'cdn', target)
    const given = { tokens: 1, down: file.sizeBytes }
    const link = await budgets.reserve({ caller, verb: 'direct', target }, given)
    let used = {}
    try {
      const recheck = (): Promise<void> => catalogue.requireStill(caller, { files: [file] })
      const url = await host({ ...caller, recheck }, 'stream').downloadToken(file.link, wish, caller)
      used = given
      return url
    } finally {
      link.settle(used)
    }
  }

  /** Reserved when the first byte is asked for; what a client that leaves has not been given counts no more. */
  async *#counted(
    caller: Caller,
    file: FileNode,
    lengthBytes: number,
    body: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const use = { caller, verb: 'download', target: await this.#targetOf(file) } as const
    const reservation = await this.#options.budgets.reserve(use, { down: lengthBytes })
    let down = 0
    try {
      for await (const chunk of body) {
        down += chunk.length
        yield chunk
      }
    } finally {
      reservation.settle({ down })
    }
  }

  /** A file of other people is in no folder of ours: it is named by its link. */
  async #targetOf(file: FileNode): Promise<string> {
    const { catalogue } = this.#options
    return (await catalogue.holds(file))
      ? `${await catalogue.pathOf(file.folder)}/${file.name}`
      : linkText(file.link)
  }

  /** The bytes from one to another, over as many connections as it takes. */
  async *#resumed(
    caller: Caller,
    wanted: Wanted,
    startByte: number,
    endByte: number,
  ): AsyncGenerator<Uint8Array> {
    const { clock, log } = this.#options
    let at = startByte
    let failures = 0
    while (at <= endByte) {
      let token: Token | undefined
      try {
        token = await this.#token(caller, wanted)
        const content = await this.#connect(caller, wanted, token, { startByte: at, endByte })
        for await (const chunk of clipped(content, at, endByte)) {
          at += chunk.length
          failures = 0
          yield chunk
        }
        if (at <= endByte) throw new GatewayError('upstream-down', 'the download ended too early')
      } catch (failure) {
        const error = GatewayError.from(failure)
        // It has left what the key sees: nothing is wrong with it or its link.
        if (error.code === 'not-found' && error.facts['sent'] === false) throw error
        failures += 1
        // A connection that broke says nothing about its link, unless the next one breaks as well.
        const isDead = error.code === 'upstream-down' ? failures > 1 : error.code !== 'cancelled'
        if (isDead) this.#drop(wanted, token)
        if (!mayResume(error) || failures >= attemptsFor(error)) throw await this.#lastWord(wanted, error)
        log.info({ file: wanted.file.link.id, at, code: error.code, failures }, 'a download is resumed')
        await clock.sleep(2 ** failures * 100, caller.signal)
      }
    }
  }

  async #token(caller: Caller, wanted: Wanted): Promise<Token> {
    const { clock, host } = this.#options
    const name = tokenName(wanted)
    const known = this.#tokens.get(name)
    if (known !== undefined && known.untilMs > clock.nowMs()) return known
    return this.#flights(name, caller.signal, async (signal) => {
      const { pass, cdn } = wanted.options
      const url = await host({ ...caller, signal }, 'stream').downloadToken(
        wanted.file.link,
        { pass, cdn },
        { signal },
      )
      const fresh = { url, untilMs: clock.nowMs() + TOKEN_LIFE_MS }
      const [oldest] = this.#tokens.keys()
      if (this.#tokens.size >= TOKENS_MAX && oldest !== undefined) this.#tokens.delete(oldest)
      this.#tokens.delete(name)
      this.#tokens.set(name, fresh)
      return fresh
    })
  }

  /** Another stream may have a new token already: only the one that failed goes. */
  #drop(wanted: Wanted, token: Token | undefined): void {
    const name = tokenName(wanted)
    if (token !== undefined && this.#tokens.get(name) === token) this.#tokens.delete(name)
  }

  async #connect(caller: Caller, wanted: Wanted, token: Token, range: ByteRange): Promise<DirectContent> {
    const { file } = wanted
    // The link may have been waited for.
    await this.#options.catalogue.requireStill(caller, { files: [file] })
    const content = await this.#options
      .host(caller, 'stream')
      .openDirect(token.url, wholeFile(file, range) ? undefined : range, caller)
    if (content.sizeBytes === file.sizeBytes && content.startByte <= range.startByte) return content
    await content.body[Symbol.asyncIterator]().return?.()
    throw new GatewayError(
      'corrupt',
      `the file ${file.name} has another size at 1fichier than when it was listed`,
      {
        hint: 'list its folder again (`guichet ls --refresh`), then try again',
        facts: { endpoint: 'direct', listedBytes: file.sizeBytes, servedBytes: content.sizeBytes },
      },
    )
  }

  /** What 1fichier says is gone, or is another file than we list, is asked for anew by the next listing. */
  async #lastWord({ file }: Wanted, error: GatewayError): Promise<GatewayError> {
    const isGone = error.code === 'not-found' && error.facts['expired'] !== true
    if (isGone || error.facts['listedBytes'] !== undefined) await this.#options.catalogue.lost(file)
    return error
  }

  /** A small file, checked before its first byte leaves. */
  async *#whole(caller: Caller, wanted: Wanted): AsyncGenerator<Uint8Array> {
    const { file } = wanted
    for (let attempt = 1; ; attempt += 1) {
      const chunks: Uint8Array[] = []
      for await (const chunk of this.#resumed(caller, wanted, 0, file.sizeBytes - 1)) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const hash = this.#options.hashers.whirlpool()
      await hash.update(bytes)
      if ((await hash.digest()) === file.whirlpool) {
        yield bytes
        return
      }
      this.#drop(wanted, this.#tokens.get(tokenName(wanted)))
      if (attempt === WHOLE_ATTEMPTS) throw wrongContent(file)
    }
  }

  /** A big file, checked while it passes; its last bytes leave only when all of it was right. */
  async *#checked(caller: Caller, wanted: Wanted): AsyncGenerator<Uint8Array> {
    const { file } = wanted
    const hash = this.#options.hashers.whirlpool()
    let held: Uint8Array | undefined
    let isOver = false
    try {
      for await (const chunk of this.#resumed(caller, wanted, 0, file.sizeBytes - 1)) {
        await hash.update(chunk)
        if (held !== undefined) yield held
        held = chunk
      }
      isOver = true
      if ((await hash.digest()) !== file.whirlpool) {
        this.#drop(wanted, this.#tokens.get(tokenName(wanted)))
        throw wrongContent(file)
      }
    } finally {
      if (!isOver) hash.abandon()
    }
    if (held !== undefined) yield held
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function tokenName({ file, options }: Wanted): string {
  // The password comes last: it may hold anything.
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

/** A dead link, a broken connection and a wrong length are mended by going on at the same byte; a refusal is not. */
function mayResume({ code, facts }: GatewayError): boolean {
  if (code === 'not-found') return facts['expired'] === true
  return code === 'upstream-down' || (code === 'corrupt' && facts['endpoint'] === 'direct')
}

function attemptsFor({ facts }: GatewayError): number {
  return facts['listedBytes'] === undefined ? ATTEMPTS_WITHOUT_PROGRESS : ATTEMPTS_AT_ANOTHER_SIZE
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
