import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import busboy from '@fastify/busboy'
import { type FolderId, GatewayError, parseFolderId, ROOT } from '@guichet/core'
import type { Caller } from '../../services/gate.ts'
import type { Received } from '../../services/uploads/uploads.ts'
import type { NativeServices } from './routes.ts'

/** wire.md §6.2: 500 files a request; text fields are short. */
const LIMITS = { files: 500, fields: 50, fieldSize: 8_192, fieldNameSize: 100, headerPairs: 20, parts: 560 }
/** So many files of one request are brought to disk at a time; the client waits while they are. */
const RECEIVING_MAX = 16
/** Fields that would change what happens to the file, which the spool cannot promise. */
const UNSUPPORTED = ['domain', 'dpass', 'mail', 'mails', 'message', 'user', 'pass']

type UploadServices = Pick<NativeServices, 'catalogue' | 'gate' | 'uploads'>

/**
 * Takes a multipart upload into the spool, as an upload node would (wire.md §6.2).
 * Resolves once all of it is on disk and journaled; a request that breaks off leaves nothing behind.
 */
export async function takeUpload(
  services: UploadServices,
  caller: Caller,
  upload: string,
  request: IncomingMessage,
): Promise<void> {
  const form = new UploadForm(services, caller)
  try {
    await form.read(request)
    const folder = await form.requireFolder()
    const received = await form.received()
    caller.signal?.throwIfAborted()
    const files = received.map((file) => ({ ...file, folder }))
    await services.uploads.commit(upload, files, { more: false })
  } catch (failure) {
    await form.discard()
    throw failure
  }
}

/** One request on its way into the spool. Text fields may stand before or after the files (wire.md §6.2). */
class UploadForm {
  readonly #services: UploadServices
  readonly #caller: Caller
  readonly #receiving: Promise<Received>[] = []
  #folder: FolderId | undefined
  /** The folder is found and allowed; content that comes after its id waits for that. */
  #allowed: Promise<void> | undefined
  #problem: GatewayError | undefined
  /** One problem ends every file that is still coming. */
  readonly #stopped = new AbortController()
  #busy = 0
  #turns: (() => void)[] = []

  constructor(services: UploadServices, caller: Caller) {
    this.#services = services
    this.#caller = caller
  }

  /** Resolves when the whole request has been read; rejects with the first problem in it. */
  async read(request: IncomingMessage): Promise<void> {
    const parser = openParser(request)
    const stop = (failure: unknown): void => {
      this.#problem ??= brokenForm(failure)
      this.#stopped.abort(this.#problem)
      request.unpipe(parser)
      parser.destroy(this.#problem)
    }
    parser.on('field', (name, value, isNameCut, isValueCut) => {
      try {
        if (isNameCut || isValueCut) throw tooMany('a field of the upload is too long')
        this.#field(name, value, stop)
      } catch (failure) {
        stop(failure)
      }
    })
    parser.on('file', (name, stream: Readable, filename) => {
      stream.on('error', () => undefined) // Met where the content is read, or by the parser.
      if (name !== 'file[]' || filename === undefined) return void stream.resume()
      const taken = this.#receive(stream, filename)
      this.#receiving.push(taken)
      taken.catch(stop)
    })
    parser.on('filesLimit', () => stop(tooMany('more than 500 files in one upload')))
    parser.on('fieldsLimit', () => stop(tooMany('more than 50 fields in one upload')))
    parser.on('partsLimit', () => stop(tooMany('too many parts in one upload')))

    await new Promise<void>((resolve, reject) => {
      parser.once('finish', () => (this.#problem === undefined ? resolve() : reject(this.#problem)))
      // Not `once`: a form that ends too early is an error, and to stop its parser afterwards is another one.
      parser.on('error', (failure) => reject(this.#problem ?? brokenForm(failure)))
      request.once('error', stop)
      request.once('aborted', () => stop(new GatewayError('cancelled', 'the client has left')))
      request.pipe(parser)
    })
  }

  /** Where the files go, now that all of the request has come. */
  async requireFolder(): Promise<FolderId> {
    const folder = this.#folder ?? ROOT
    this.#allowed ??= this.#allow(folder)
    await this.#allowed
    // The upload may have taken hours.
    await this.#services.catalogue.requireInside(this.#caller, folder)
    return folder
  }

  async received(): Promise<readonly Received[]> {
    const files = await Promise.all(this.#receiving)
    if (files.length > 0) return files
    throw new GatewayError('invalid', "Pas de fichier trouvé dans l'envoi: no file was found in the upload", {
      hint: 'send the file as the multipart field file[], with a file name',
    })
  }

  async discard(): Promise<void> {
    const settled = await Promise.allSettled(this.#receiving)
    await this.#services.uploads.discard(
      settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    )
  }

  #field(name: string, value: string, stop: (failure: unknown) => void): void {
    if (name === 'did') {
      if (this.#folder !== undefined) {
        throw new GatewayError('invalid', 'the upload names two folders', { hint: 'send did once' })
      }
      this.#folder = parseFolderId(value)
      this.#allowed = this.#allow(this.#folder)
      this.#allowed.catch(stop)
    }
    if (!UNSUPPORTED.includes(name) || value === '' || (name === 'domain' && value === '0')) return
    throw new GatewayError('invalid', `the upload field "${name}" cannot be used through the gateway`, {
      hint: 'upload without it, then change the file with file/chattr.cgi or `guichet attr`',
    })
  }

  /** The folder must be there and inside the key's root; 1fichier itself would silently take the root instead. */
  async #allow(folder: FolderId): Promise<void> {
    const { catalogue, gate } = this.#services
    await catalogue.requireInside(this.#caller, folder)
    await gate.permit(this.#caller, 'upload', await catalogue.pathOf(folder))
  }

  async #receive(stream: Readable, name: string): Promise<Received> {
    await this.#turn()
    try {
      await this.#allowed
      const { signal } = this.#caller
      const isOver = this.#stopped.signal
      const folder = this.#folder ?? ROOT
      return await this.#services.uploads.receive(
        this.#caller,
        folder,
        { name },
        stream,
        signal === undefined ? isOver : AbortSignal.any([signal, isOver]),
      )
    } catch (failure) {
      stream.resume()
      throw failure
    } finally {
      this.#busy -= 1
      this.#turns.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    while (this.#busy >= RECEIVING_MAX) {
      await new Promise<void>((resolve) => {
        this.#turns.push(resolve)
      })
    }
    this.#busy += 1
  }
}

function openParser(request: IncomingMessage): ReturnType<typeof busboy.default> {
  try {
    const type = request.headers['content-type'] ?? ''
    return busboy.default({
      headers: { ...request.headers, 'content-type': type },
      defCharset: 'utf8',
      preservePath: true,
      highWaterMark: 256 * 1024,
      fileHwm: 256 * 1024,
      limits: LIMITS,
    })
  } catch (failure) {
    throw brokenForm(failure)
  }
}

function brokenForm(failure: unknown): GatewayError {
  if (failure instanceof GatewayError) return failure
  return new GatewayError('invalid', 'the upload is not a complete multipart/form-data request', {
    hint: 'send it as curl does with -F "file[]=@NAME"',
    cause: failure,
  })
}

function tooMany(message: string): GatewayError {
  return new GatewayError('too-large', message, { hint: 'split it into several' })
}
