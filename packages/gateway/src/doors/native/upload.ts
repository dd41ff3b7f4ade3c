import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import busboy from '@fastify/busboy'
import { type FolderId, GatewayError, parseFolderId, ROOT } from '@guichet/core'
import type { Caller } from '../../services/gate.ts'
import type { Received, Uploads } from '../../services/uploads.ts'
import type { NativeServices } from './routes.ts'

/** wire.md §6.2: 500 files a request; text fields are short. */
const LIMITS = { files: 500, fields: 50, fieldSize: 8_192, fieldNameSize: 100, headerPairs: 20, parts: 560 }
/** Fields that would change what happens to the file, which the spool cannot promise. */
const UNSUPPORTED = ['domain', 'dpass', 'mail', 'mails', 'message', 'user', 'pass']

/**
 * Takes a multipart upload into the spool, as an upload node would (wire.md §6.2).
 * Resolves once all of it is on disk and journaled; a request that breaks off leaves nothing behind.
 */
export async function takeUpload(
  services: Pick<NativeServices, 'catalogue' | 'gate'> & { readonly uploads: Uploads },
  caller: Caller,
  upload: string,
  request: IncomingMessage,
): Promise<void> {
  const form = await readForm(services, caller, upload, request)
  try {
    const files = await Promise.all(form.files)
    if (files.length === 0) {
      throw new GatewayError(
        'invalid',
        "Pas de fichier trouvé dans l'envoi: no file was found in the upload",
        {
          hint: 'send the file as the multipart field file[], with a file name',
        },
      )
    }
    await requireFolder(services, caller, form.folder())
    const folder = form.folder()
    await services.uploads.commit(
      upload,
      files.map((file) => ({ ...file, folder })),
      { more: false },
    )
  } catch (failure) {
    const settled = await Promise.allSettled(form.files)
    await services.uploads.discard(
      settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    )
    throw failure
  }
}

interface Form {
  readonly files: Promise<Received>[]
  folder(): FolderId
}

async function readForm(
  services: Pick<NativeServices, 'catalogue' | 'gate'> & { readonly uploads: Uploads },
  caller: Caller,
  upload: string,
  request: IncomingMessage,
): Promise<Form> {
  const parser = openParser(request)
  const files: Promise<Received>[] = []
  let folder: FolderId = ROOT
  let problem: GatewayError | undefined

  const stop = (error: GatewayError): void => {
    problem ??= error
    parser.destroy(error)
  }
  parser.on('field', (name, value) => {
    try {
      if (name === 'did') folder = parseFolderId(value)
    } catch (failure) {
      stop(GatewayError.from(failure))
    }
    if (!UNSUPPORTED.includes(name) || value === '' || (name === 'domain' && value === '0')) return
    stop(
      new GatewayError('invalid', `the upload field "${name}" cannot be used through the gateway`, {
        hint: 'upload without it, then change the file with file/chattr.cgi or `guichet attr`',
      }),
    )
  })
  parser.on('file', (name, stream: Readable, filename) => {
    if (name !== 'file[]' || filename === undefined) return void stream.resume()
    const taken = services.uploads.receive(
      { key: caller.principal.key },
      upload,
      folder,
      { name: filename },
      stream,
      caller.signal,
    )
    files.push(taken)
    taken.catch((failure: unknown) => stop(GatewayError.from(failure)))
  })
  parser.on('filesLimit', () =>
    stop(new GatewayError('too-large', 'more than 500 files in one upload', { hint: 'split it' })),
  )

  await new Promise<void>((resolve, reject) => {
    parser.once('finish', resolve)
    parser.once('error', (failure) => reject(problem ?? brokenForm(failure)))
    request.once('error', reject)
    request.once('aborted', () => parser.destroy(new GatewayError('cancelled', 'the client has left')))
    request.pipe(parser)
  }).catch(async (failure: unknown) => {
    const settled = await Promise.allSettled(files)
    await services.uploads.discard(
      settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    )
    throw problem ?? failure
  })
  return { files, folder: () => folder }
}

function openParser(request: IncomingMessage): ReturnType<typeof busboy.default> {
  try {
    const type = request.headers['content-type'] ?? ''
    return busboy.default({
      headers: { ...request.headers, 'content-type': type },
      defCharset: 'utf8',
      preservePath: true,
      highWaterMark: 256 * 1024,
      fileHwm: 1024 * 1024,
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

/** The folder must be there and inside the key's root; 1fichier itself would silently take the root instead. */
export async function requireFolder(
  services: Pick<NativeServices, 'catalogue' | 'gate'>,
  caller: Caller,
  folder: FolderId,
): Promise<void> {
  const { catalogue, gate } = services
  await gate.permit(caller, 'upload', await catalogue.pathOf(folder))
  await catalogue.requireInside(caller, folder)
}
