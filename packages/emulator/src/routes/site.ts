import { parseFileLink } from '../hosts.ts'
import type { Service } from '../service.ts'
import type { FileRecord, FolderRecord } from '../state/records.ts'
import { type Call, readBody } from '../transport/call.ts'
import { escapeHtml, notFoundPage, page } from '../transport/pages.ts'
import { html, json, plain, type Reply } from '../transport/reply.ts'
import { linkOf } from './entries.ts'

const FORM_BYTES_MAX = 1024 * 1024
const LINKS_MAX = 100

/** Public folder: /dir/ID, also with a language before it (wire.md §13). */
export async function publicFolder(service: Service, call: Call): Promise<Reply> {
  const shareId = /\/dir\/([A-Za-z0-9]+)/.exec(call.path)?.[1] ?? ''
  const folder = sharedFolder(service, shareId)
  if (!folder) return html(notFoundPage(), 404)
  const form = await formOf(call)
  if (folder.sharePass !== '' && form.get('pass') !== folder.sharePass) {
    return html(page('1fichier.com', '<form method="post"><input type="password" name="pass"></form>'))
  }
  const files = [...service.account.tree.filesIn(folder.id)]
  const style = form.get('json') ?? call.query.get('json')
  if (style === '1') return json(files.map(publicEntry))
  if (style === '2') return json({ ...files.map(publicEntry) })
  if ((form.get('e') ?? call.query.get('e')) === '1') {
    return plain(files.map((file) => `${linkOf(file)};${file.name};${file.sizeBytes}\n`).join(''))
  }
  const rows = files.map((file) => `<tr><td><a href="${linkOf(file)}">${escapeHtml(file.name)}</a></td></tr>`)
  return html(page(folder.name, `<table>\n${rows.join('\n')}\n</table>`))
}

function sharedFolder(service: Service, shareId: string): FolderRecord | undefined {
  if (shareId === '') return undefined
  for (const folder of service.account.tree.heldFolders()) if (folder.shareId === shareId) return folder
  return undefined
}

function publicEntry(file: FileRecord): Record<string, string | number> {
  return {
    link: linkOf(file),
    filename: file.name,
    size: file.sizeBytes,
    password: file.pass === '' ? 0 : 1,
    acl: file.acl === null ? 0 : 1,
  }
}

/** check_links.pl: a line for each link, the first hundred only. */
export async function checkLinks(service: Service, call: Call): Promise<Reply> {
  if (call.fault?.kind === 'flood') return plain('IP Locked')
  const form = await formOf(call)
  const links = [...form.getAll('links[]'), ...call.query.getAll('links[]')].slice(0, LINKS_MAX)
  return plain(links.map((link) => `${checkLine(service, link)}\n`).join(''))
}

function checkLine(service: Service, link: string): string {
  const parsed = parseFileLink(link.split('&')[0] ?? '')
  if (!parsed) return `${link};;;BAD LINK`
  const file = service.account.tree.file(parsed.fileId)
  if (file?.domain !== parsed.domain) return `${link};;;NOT FOUND`
  const isPrivate = file.pass !== '' || file.acl !== null
  return isPrivate ? `${link};;;PRIVATE` : `${link};${file.name};${file.sizeBytes}`
}

/** The page of a file for people: its name and size, without a way to download. */
export function filePage(service: Service, call: Call): Reply {
  const site = call.host.kind === 'site' ? call.host : undefined
  const id = site?.fileId ?? /^\??([a-z0-9]{5,20})(&|=|$)/.exec(call.query.toString())?.[1]
  if (id === undefined) return html(page('1fichier.com', '<h1>1fichier.com</h1>'))
  const file = service.account.tree.file(id)
  if (file?.domain !== site?.domain) return html(notFoundPage(), 404)
  const cells = [escapeHtml(file?.name ?? ''), `${file?.sizeBytes} o`].map((cell) => `<td>${cell}</td>`)
  return html(page('1fichier.com', `<table class="premium"><tr>${cells.join('')}</tr></table>`))
}

/** /remove/ID/CODE: a form, and with `force=1` the removal. */
export async function removalPage(service: Service, call: Call): Promise<Reply> {
  const [, id = '', code = ''] = /^\/remove\/([a-z0-9]+)\/([A-Za-z0-9]+)$/.exec(call.path) ?? []
  const file = service.account.tree.file(id)
  if (!file || file.removalCode === '' || file.removalCode !== code) return html(notFoundPage(), 404)
  const form = await formOf(call)
  if (form.get('force') !== '1') {
    return html(
      page('1fichier.com', '<form method="post"><input type="hidden" name="force" value="1"></form>'),
    )
  }
  service.account.remove(file, service.timers.nowMs(), 0)
  return html(page('1fichier.com', '<div class="bloc2">The file has been removed.</div>'))
}

async function formOf(call: Call): Promise<URLSearchParams> {
  if (call.method !== 'POST') return new URLSearchParams()
  return new URLSearchParams((await readBody(call, FORM_BYTES_MAX)).toString('utf8'))
}
