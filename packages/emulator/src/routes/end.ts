import { fileLink } from '../hosts.ts'
import type { Service } from '../service.ts'
import type { FileRecord } from '../state/records.ts'
import type { UploadRecord } from '../state/upload-desk.ts'
import type { Call } from '../transport/call.ts'
import { escapeHtml, notFoundPage, page, waitPage } from '../transport/pages.ts'
import { html, json, plain, type Reply } from '../transport/reply.ts'
import { storeFile } from './file-edits.ts'

/** end.pl: starts the storage and reports on it, in the form the request header asks for (wire.md §6.3). */
export function reportUpload(service: Service, call: Call): Reply {
  const headers = call.request.headers
  const wantsJson = headers['json'] === '1' || headers['json'] === '2'
  const late = call.fault?.kind === 'end-late' ? (call.fault.shape ?? 'html') : undefined
  if (late === 'html' || (late === 'empty' && !wantsJson)) return html(waitPage())
  if (late === 'empty') return json({ incoming: 0, links: [] })
  const lifetimeMs = service.police.scaled(service.readings().endLifetimeMs)
  const xid = call.query.get('xid') ?? ''
  const nowMs = service.timers.nowMs()
  const upload = service.account.desk.reach(xid, lifetimeMs, nowMs, (file) => storeFile(service, file))
  if (!upload) return html(notFoundPage(), 404)
  if (wantsJson) return jsonReport(service, upload, headers['json'] === '2')
  return headers['export'] === '1' ? csvReport(upload) : htmlReport(upload)
}

function jsonReport(service: Service, upload: UploadRecord, pretty: boolean): Reply {
  const isText = service.readings().reportSize === 'string'
  const links = upload.files.map((file) => ({
    download: fileLink(file.domain, file.id),
    filename: file.name,
    remove: removalLink(file),
    size: isText ? String(file.sizeBytes) : file.sizeBytes,
    whirlpool: file.whirlpool,
  }))
  const reply = json({ incoming: upload.incoming, links })
  return reply.kind === 'json' ? { ...reply, pretty } : reply
}

/** `filename;size;download id;removal id;domain id;` and a field whose meaning is in no source. */
function csvReport(upload: UploadRecord): Reply {
  const lines = upload.files.map((file) =>
    [file.name, file.sizeBytes, file.id, file.removalCode, file.domain, 0].join(';'),
  )
  return plain(`${lines.join('\n')}\n`)
}

function htmlReport(upload: UploadRecord): Reply {
  const rows = upload.files.map((file) => {
    const link = fileLink(file.domain, file.id)
    const cells = [escapeHtml(file.name), frenchSize(file.sizeBytes), `<a href="${link}">${link}</a>`]
    return `<tr><td>${[...cells, removalLink(file) || '--'].join('</td><td>')}</td></tr>`
  })
  return html(page('Upload finished', `<table class="premium">\n${rows.join('\n')}\n</table>`))
}

function removalLink(file: FileRecord): string {
  if (file.removalCode === '') return ''
  return `${fileLink(file.domain, '').replace('?', 'remove/')}${file.id}/${file.removalCode}`
}

/** Like "2 o" and "1.15 Ko". */
function frenchSize(sizeBytes: number): string {
  const units = ['o', 'Ko', 'Mo', 'Go', 'To']
  const power = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, sizeBytes)) / Math.log(1024)))
  const amount = sizeBytes / 1024 ** power
  return `${power === 0 ? amount : amount.toFixed(2)} ${units[power]}`
}
