import {
  type FileHost,
  type FolderId,
  GatewayError,
  type HostCall,
  type HttpResponse,
  parseName,
  type UploadFile,
  type UploadReceipt,
  type UploadTarget,
} from '@guichet/core'
import { type Answer, isAborted, notJson, readAnswer, refusalOf, send } from './answers.ts'
import { callApi, understand, type Wire } from './call.ts'
import { changed } from './fields.ts'
import { planMultipart } from './multipart.ts'
import { blocMessage } from './pages.ts'
import { reportOf } from './report.ts'

type UploadCalls = Pick<FileHost, 'uploadTarget' | 'upload' | 'uploadReport'>

/** What one request may hold (wire.md §3). */
export const UPLOAD_FILES_MAX = 500
export const UPLOAD_BYTES_MAX: number = 500 * 10 ** 9
export const FILE_BYTES_MAX: number = 300 * 10 ** 9

/** Answers by which a node turns a request away as a whole. */
const REFUSALS_BEFORE_STORING: ReadonlySet<string> = new Set(['locked', 'account-refused', 'invalid'])

const NODE = /^[a-z0-9-]+\.1fichier\.com$/
const UPLOAD_ID = /^[A-Za-z0-9]{1,10}$/
const XID = /^[A-Za-z0-9]{1,64}$/

/** `get_upload_server.cgi`, `upload.cgi` and `end.pl` (wire.md §6). */
export function uploadCalls(wire: Wire): UploadCalls {
  return {
    async uploadTarget(call) {
      const reply = await callApi(wire, 'upload/get_upload_server', {}, call)
      const node = reply.text('url')
      const id = reply.text('id')
      if (!NODE.test(node)) reply.refuse('"url" is not the name of an upload node')
      if (!UPLOAD_ID.test(id)) reply.refuse('"id" is not the id of an upload')
      return { node, id }
    },

    upload: (target, folder, files, call) => upload(wire, target, folder, files, call),

    async uploadReport(receipt, call) {
      const url = new URL(`https://${parseNode(receipt.node)}/end.pl?xid=${parseXid(receipt.xid)}`)
      const request = { method: 'GET', url, headers: { json: '1', 'accept-encoding': 'identity' } } as const
      return reportOf(await readAnswer('end.pl', await send(wire.open, request, call), call))
    },
  }
}

async function upload(
  wire: Wire,
  target: UploadTarget,
  folder: FolderId,
  files: readonly UploadFile[],
  call: HostCall,
): Promise<UploadReceipt> {
  checkLimits(files)
  const plan = planMultipart({ did: String(folder) }, files, wire.boundary())
  if (plan.lengthBytes > UPLOAD_BYTES_MAX) throw tooLarge('the upload', UPLOAD_BYTES_MAX, 'a request')
  const request = {
    method: 'POST',
    url: new URL(`https://${parseNode(target.node)}/upload.cgi?id=${parseUploadId(target.id)}`),
    headers: {
      'content-type': plan.contentType,
      'content-length': String(plan.lengthBytes),
      'accept-encoding': 'identity',
    },
    body: plan.body,
  } as const
  try {
    const response = await send(wire.keyed, request, call)
    if (!isRedirect(response)) throw refusedUpload(await readAnswer('upload.cgi', response, call))
    // The redirect alone says that the files are there: whatever happens to the page behind it changes nothing.
    await readAnswer('upload.cgi', response, call).catch(() => undefined)
    return receiptOf(response, target)
  } catch (thrown) {
    // A file that could not be read is the reason, whatever the transport says about its broken request.
    const cause = plan.failure() ?? thrown
    const failure = GatewayError.from(isAborted(call) ? thrown : cause)
    throw new GatewayError(failure.code, failure.message, {
      hint: failure.hint,
      retryAfterMs: failure.retryAfterMs,
      facts: {
        endpoint: 'upload.cgi',
        ...(REFUSALS_BEFORE_STORING.has(failure.code) ? { stored: false } : {}),
        ...failure.facts,
        handedOver: plan.isHandedOver(),
      },
      cause: failure,
    })
  }
}

/** Stored means: the node answered with the address of the report, and nothing must be sent again. */
function receiptOf({ headers }: HttpResponse, target: UploadTarget): UploadReceipt {
  const location = headers['location']
  if (location === undefined) return { node: target.node, xid: target.id }
  const url = URL.canParse(location, `https://${target.node}/`)
    ? new URL(location, `https://${target.node}/`)
    : undefined
  if (url === undefined || !url.pathname.endsWith('/end.pl') || !NODE.test(url.hostname)) {
    throw changed('upload.cgi sends to another place than the report', 'location')
  }
  // The two are equal, or are not (wire.md §15.7).
  const xid = url.searchParams.get('xid') ?? ''
  return { node: url.hostname, xid: XID.test(xid) ? xid : target.id }
}

function isRedirect({ status }: HttpResponse): boolean {
  return status >= 300 && status < 400
}

function refusedUpload(answer: Answer): GatewayError {
  if (answer.status === 413) return tooLarge('the upload', UPLOAD_BYTES_MAX, 'a request')
  if (answer.json !== undefined) {
    understand(answer)
    return changed('upload.cgi answered with JSON where it should send to the report')
  }
  const message = answer.isPage ? blocMessage(answer.text) : ''
  if (message !== '') return refusalOf(answer, message, 'message')
  // Any other page says nothing about the files: whether they are stored, only a listing tells.
  return notJson(answer)
}

function checkLimits(files: readonly UploadFile[]): void {
  if (files.length === 0) throw invalid('an upload needs a file', 'name at least one file')
  if (files.length > UPLOAD_FILES_MAX) {
    throw invalid(
      `an upload holds ${UPLOAD_FILES_MAX} files at most, not ${files.length}`,
      'send the rest in another request',
    )
  }
  for (const { name, sizeBytes } of files) {
    parseName(name)
    const quoted = JSON.stringify(name)
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw invalid(`${quoted} has no size`, 'an upload needs the exact size of every file beforehand')
    }
    if (sizeBytes === 0) throw invalid(`${quoted} is empty`, '1fichier stores no empty files: leave it out')
    if (sizeBytes > FILE_BYTES_MAX) throw tooLarge(quoted, FILE_BYTES_MAX, 'a file')
  }
}

function parseNode(node: string): string {
  if (NODE.test(node)) return node
  throw invalid(
    `${JSON.stringify(node.slice(0, 80))} is not an upload node of 1fichier`,
    'ask for a new node',
  )
}

function parseUploadId(id: string): string {
  if (UPLOAD_ID.test(id)) return id
  throw invalid(`${JSON.stringify(id.slice(0, 80))} is not the id of an upload`, 'ask for a new node')
}

function parseXid(xid: string): string {
  if (XID.test(xid)) return xid
  throw invalid(`${JSON.stringify(xid.slice(0, 80))} is not the id of a report`, 'take it from the receipt')
}

function invalid(message: string, hint: string): GatewayError {
  return new GatewayError('invalid', message, { hint, facts: { sent: false } })
}

function tooLarge(what: string, limitBytes: number, unit: string): GatewayError {
  return new GatewayError('too-large', `${what} is larger than ${limitBytes / 10 ** 9} GB`, {
    hint: `1fichier takes ${limitBytes / 10 ** 9} GB in ${unit}: split it`,
    facts: { stored: false },
  })
}
