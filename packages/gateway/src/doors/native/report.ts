import type { ServerResponse } from 'node:http'
import { GatewayError, linkText, type Transfer } from '@guichet/core'
import type { Caller } from '../../services/gate.ts'
import type { Uploads } from '../../services/uploads.ts'
import { escapeHtml, sendHtml, type Visit } from '../visit.ts'
import { sendRefusal } from './refusals.ts'

/** Clients give up on a silent connection after some minutes, so one blank goes out before that. */
const BLANK_EVERY_MS = 20_000

/**
 * Answers `end.pl`: what became of an upload, once 1fichier has it (wire.md §6.3).
 *
 * It waits as long as it takes. JSON may begin with blanks, so a client that expects JSON is kept awake with them.
 */
export async function sendReport(
  uploads: Uploads,
  caller: Caller,
  upload: string,
  visit: Visit,
): Promise<void> {
  const { request, response } = visit
  const isJson = request.headers['json'] !== undefined && request.headers['json'] !== '0'
  const isCsv = !isJson && request.headers['export'] !== undefined
  const stop = isJson ? keepAwake(response) : () => undefined
  try {
    const transfers = await uploads.whenStored(upload, caller.signal)
    stop()
    if (isJson) return endJson(response, JSON.stringify({ incoming: 0, links: transfers.map(linkOf) }))
    if (isCsv)
      return void response
        .writeHead(200, { 'content-type': 'text/csv; charset=utf-8' })
        .end(transfers.map(csvOf).join(''))
    const rows = transfers.map(
      (transfer) =>
        `<tr><td>${escapeHtml(transfer.name)}</td><td>${transfer.sizeBytes} o</td><td>${linkOf(transfer).download}</td><td>--</td></tr>`,
    )
    sendHtml(response, 200, `<html><body><table class="premium">${rows.join('\n')}</table></body></html>\n`)
  } catch (failure) {
    stop()
    // After a first blank the status is said; an empty list of links is how 1fichier reports trouble.
    if (!response.headersSent) return sendRefusal(response, failure)
    endJson(
      response,
      JSON.stringify({ incoming: 0, links: [], status: 'KO', message: GatewayError.from(failure).message }),
    )
  }
}

function keepAwake(response: ServerResponse): () => void {
  const timer = setInterval(() => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
    response.write(' ')
  }, BLANK_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function endJson(response: ServerResponse, json: string): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
  response.end(`${json}\n`)
}

function linkOf(transfer: Transfer): {
  download: string
  filename: string
  remove: string
  size: string
  whirlpool: string
} {
  const { state, name, sizeBytes, whirlpool } = transfer
  const download = state.kind === 'stored' ? linkText(state.link) : ''
  return { download, filename: name, remove: '', size: String(sizeBytes), whirlpool }
}

function csvOf(transfer: Transfer): string {
  const id = transfer.state.kind === 'stored' ? transfer.state.link.id : ''
  return `${transfer.name};${transfer.sizeBytes};${id};;0;\n`
}
