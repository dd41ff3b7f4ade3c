import { guessMimeType } from '../content/mime.ts'
import type { StoredContent } from '../content/store.ts'
import { DOMAINS, pickUploadNode } from '../hosts.ts'
import { randomUploadId } from '../random.ts'
import type { Service } from '../service.ts'
import { type FileRecord, newFile, ROOT_ID, UNLINKED_ID } from '../state/records.ts'
import type { Call } from '../transport/call.ts'
import { readMultipart } from '../transport/multipart.ts'
import { uploadRefusalPage } from '../transport/pages.ts'
import { html, json, type Reply } from '../transport/reply.ts'
import { freshFileId } from './file-edits.ts'
import { meteredBody } from './upload-body.ts'
import { type UploadedFile, UploadForm } from './upload-form.ts'

const FILE_BYTES_MAX = 300e9
const REQUEST_BYTES_MAX = 500e9
const UPLOAD_MS_MAX = 4 * 3_600_000

/** No source has the French words for these but the first two. */
const WORDS = {
  noFile: "Pas de fichier trouvé dans l'envoi",
  cannotOpen: 'Ne peut ouvrir le fichier destination',
  empty: 'Les fichiers vides sont refusés',
  tooBig: 'Fichier trop volumineux',
  tooMany: 'Trop de fichiers',
  tooLong: 'Envoi trop long',
  badName: 'Nom de fichier invalide',
  noLength: 'Content-Length manquant',
  keepAlive: 'Connection: Keep-Alive refusé',
  wrongKey: 'Identification incorrecte',
} as const

export function uploadServer(service: Service): Reply {
  return json({ url: pickUploadNode(service.random), id: randomUploadId(service.random) })
}

/** POST upload.cgi: reads the whole request, whatever it thinks of it, and then answers. */
export async function receiveUpload(service: Service, call: Call): Promise<Reply> {
  service.counters.add('uploadRequests')
  const form = new UploadForm(service.account.contents, service.readings(), call.fault?.kind === 'corrupt')
  const boundary = boundaryOf(call.request.headers['content-type'])
  const body = meteredBody(service, call)
  try {
    const isWhole = boundary !== undefined && (await readMultipart(body, boundary, form))
    if (boundary === undefined) for await (const _ of body);
    const owner = ownerOf(service, call, form)
    const refused = refusalOf(service, call, form, isWhole)
    if (owner && refused === undefined) return await accept(service, call, form, owner)
    await form.discard()
    const message = refused ?? WORDS.wrongKey
    return html(uploadRefusalPage(message), message === WORDS.wrongKey ? 403 : 200)
  } catch (failure) {
    await form.discard()
    throw failure
  }
}

/** The quirks of wire.md §6.2, each with the words of its refusal. */
function refusalOf(service: Service, call: Call, form: UploadForm, isWhole: boolean): string | undefined {
  const readings = service.readings()
  const { headers } = call.request
  if (call.fault?.kind === 'node-cannot-open') return WORDS.cannotOpen
  if (headers['content-length'] === undefined && readings.chunkedUpload === 'refused') return WORDS.noLength
  if (/keep-alive/i.test(headers.connection ?? '') && readings.uploadKeepAlive === 'refused')
    return WORDS.keepAlive
  if (!/^[A-Za-z0-9]{1,10}$/.test(call.query.get('id') ?? '')) return WORDS.noFile
  if (!isWhole || form.files.length === 0) return WORDS.noFile
  if (form.files.length > readings.filesPerRequestMax) return WORDS.tooMany
  if (form.files.some(({ isGoodName }) => !isGoodName)) return WORDS.badName
  if (form.files.some(({ sizeBytes }) => sizeBytes === 0)) return WORDS.empty
  if (form.files.some(({ sizeBytes }) => sizeBytes > FILE_BYTES_MAX)) return WORDS.tooBig
  if (Number(headers['content-length'] ?? 0) > REQUEST_BYTES_MAX) return WORDS.tooBig
  const tookMs = service.timers.nowMs() - call.arrivedMs
  return tookMs > service.police.scaled(UPLOAD_MS_MAX) ? WORDS.tooLong : undefined
}

async function accept(service: Service, call: Call, form: UploadForm, owner: Owner): Promise<Reply> {
  const id = call.query.get('id') ?? ''
  const xid = service.readings().xid === 'same' ? id : randomUploadId(service.random)
  const files: FileRecord[] = []
  for (const uploaded of form.files) {
    files.push(recordOf(service, form, owner, uploaded, await uploaded.keep()))
  }
  service.account.desk.receive({
    xid,
    files,
    incoming: owner === 'incoming' ? 1 : 0,
    receivedMs: service.timers.nowMs(),
    stored: false,
  })
  service.counters.add('uploadFiles', files.length)
  return html('Moved ! Temporary Redirect', 302, { Location: `/end.pl?xid=${xid}` })
}

function recordOf(
  service: Service,
  form: UploadForm,
  owner: Owner,
  { name }: UploadedFile,
  stored: StoredContent,
): FileRecord {
  const domain = Number(form.fields.get('domain') ?? 0)
  return newFile({
    ...stored,
    id: freshFileId(service),
    folderId: owner === 'account' ? folderFor(service, form) : owner === 'incoming' ? ROOT_ID : UNLINKED_ID,
    name,
    storedMs: service.timers.nowMs(),
    mimeType: guessMimeType(name),
    domain: DOMAINS[domain] === undefined ? 0 : domain,
    pass: form.fields.get('dpass') ?? '',
    removalCode: owner === 'nobody' ? randomUploadId(service.random) : '',
  })
}

/** An invalid `did` silently means the root. */
function folderFor({ account }: Service, form: UploadForm): number {
  const did = form.fields.get('did') ?? ''
  const folder = /^\d+$/.test(did) ? account.tree.folder(Number(did)) : undefined
  return folder && account.mayWrite(folder.id) ? folder.id : ROOT_ID
}

type Owner = 'account' | 'incoming' | 'nobody'

/** Who gets the files: the bearer of the key, a user who is named, or nobody; undefined when the proof is wrong. */
function ownerOf(service: Service, call: Call, form: UploadForm): Owner | undefined {
  const { email, password } = service.account.identity
  if (service.account.takesKey(call.key)) return 'account'
  const basic = /^Basic\s+(\S+)$/i.exec(call.request.headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    return Buffer.from(basic, 'base64').toString('utf8') === `${email}:${password}` ? 'account' : undefined
  }
  if (call.key !== undefined && service.readings().uploadWrongKey === 'refused') return undefined
  if (form.fields.get('user') !== email) return 'nobody'
  const pass = form.fields.get('pass')
  if (pass === undefined) return 'incoming'
  return pass === password ? 'account' : undefined
}

/** The boundary, which must not be quoted (wire.md §6.2). */
function boundaryOf(contentType: string | undefined): string | undefined {
  return /^multipart\/form-data\s*;\s*boundary=([^\s";,]{1,200})\s*$/i.exec(contentType ?? '')?.[1]
}
