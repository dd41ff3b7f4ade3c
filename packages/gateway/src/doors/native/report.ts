import type { ServerResponse } from 'node:http'
import { GatewayError, linkText, type Transfer } from '@guichet/core'
import type { Catalogue } from '../../services/catalogue/catalogue.ts'
import type { Caller } from '../../services/gate.ts'
import { raiseUnknown } from '../../services/uploads/rules.ts'
import { escapeHtml, type Visit } from '../visit.ts'
import { refusalText, sendRefusal } from './refusals.ts'
import type { NativeServices } from './routes.ts'

/** Clients give up on a silent connection after some minutes, so a blank goes out now and then. */
const BLANK_EVERY_MS = 20_000

/** The three forms of wire.md §6.3, by request header. */
interface Form {
  readonly type: string
  stored(transfers: readonly Transfer[]): string
  failed(error: GatewayError): string
}

/**
 * Answers `end.pl`: what became of an upload, once 1fichier has it.
 * It waits as long as that takes; blanks before the answer keep the client awake, and mean nothing in any of the forms.
 */
export async function sendReport(
  { catalogue, uploads }: Pick<NativeServices, 'catalogue' | 'uploads'>,
  caller: Caller,
  upload: string,
  visit: Visit,
): Promise<void> {
  const { request, response } = visit
  const form = isAsked(request.headers['json'])
    ? JSON_FORM
    : isAsked(request.headers['export'])
      ? CSV_FORM
      : HTML_FORM
  const timer = setInterval(() => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': form.type })
    response.write(' ')
  }, BLANK_EVERY_MS)
  try {
    const stored = await uploads.whenStored(upload, caller.signal)
    finish(response, form, form.stored(await stillSeen(catalogue, caller, upload, stored)))
  } catch (failure) {
    // After a first blank the status is said, and only the text can tell.
    const error = GatewayError.from(failure)
    visit.note(error)
    if (response.headersSent) response.end(form.failed(error))
    else sendRefusal(response, error)
  } finally {
    clearInterval(timer)
  }
}

/** A file that has left the root of the key since, or was removed, is not told of. */
async function stillSeen(
  catalogue: Catalogue,
  { principal }: Caller,
  upload: string,
  transfers: readonly Transfer[],
): Promise<readonly Transfer[]> {
  const seen: Transfer[] = []
  for (const transfer of transfers) {
    const { state } = transfer
    if (state.kind === 'stored' && (await catalogue.sees(principal, state.link.id))) seen.push(transfer)
  }
  return seen.length > 0 ? seen : raiseUnknown(upload)
}

const JSON_FORM: Form = {
  type: 'application/json; charset=utf-8',
  stored: (transfers) => `${JSON.stringify({ incoming: 0, links: transfers.map(linkOf) })}\n`,
  // An empty list of links is how 1fichier reports trouble.
  failed: (error) =>
    `${JSON.stringify({ incoming: 0, links: [], status: 'KO', message: refusalText(error) })}\n`,
}

const CSV_FORM: Form = {
  type: 'text/csv; charset=utf-8',
  stored: (transfers) => transfers.map(csvOf).join(''),
  failed: (error) => `${refusalText(error)}\n`,
}

const HTML_FORM: Form = {
  type: 'text/html; charset=utf-8',
  stored: (transfers) =>
    `<html><body><table class="premium">\n${transfers.map(rowOf).join('\n')}\n</table></body></html>\n`,
  failed: (error) => `<html><body><div class="bloc2">${escapeHtml(refusalText(error))}</div></body></html>\n`,
}

function isAsked(header: string | readonly string[] | undefined): boolean {
  return header !== undefined && header !== '0'
}

function finish(response: ServerResponse, form: Form, text: string): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': form.type })
  response.end(text)
}

function linkOf(
  transfer: Transfer,
): Record<'download' | 'filename' | 'remove' | 'size' | 'whirlpool', string> {
  const { state, name, sizeBytes, whirlpool } = transfer
  const download = state.kind === 'stored' ? linkText(state.link) : ''
  return { download, filename: name, remove: '', size: String(sizeBytes), whirlpool }
}

function csvOf(transfer: Transfer): string {
  const id = transfer.state.kind === 'stored' ? transfer.state.link.id : ''
  return `${transfer.name};${transfer.sizeBytes};${id};;0;\n`
}

function rowOf(transfer: Transfer): string {
  const { download, filename, size } = linkOf(transfer)
  return `<tr><td>${escapeHtml(filename)}</td><td>${size} o</td><td>${download}</td><td>--</td></tr>`
}
