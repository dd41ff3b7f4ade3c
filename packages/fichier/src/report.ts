import { DOMAINS, findFileLink, GatewayError, type StoredFile, type UploadReport } from '@guichet/core'
import { type Answer, notJson, refusalOf } from './answers.ts'
import { isSuccess, understand } from './call.ts'
import { whirlpoolOf } from './entries.ts'
import type { Fields } from './fields.ts'
import { visibleText } from './pages.ts'
import { findRefusal } from './refusals.ts'

/** The list of domains goes on with names that have no number. */
const DOMAIN_NUMBER_MAX = 10

const PENDING: UploadReport = { kind: 'pending' }

/**
 * What `end.pl` says (wire.md §6.3).
 *
 * Asked too early it has no link yet, or gives a page ("Please wait", "Veuillez patienter") while it looks for viruses.
 * Whatever it says, the files have arrived: nothing in here is a reason to send them again.
 */
export function reportOf(answer: Answer): UploadReport {
  if (answer.json !== undefined) {
    const links = understand(answer).objects('links')
    // Only what belongs to no account can be removed by a link (wire.md §6.3).
    if (links.some((item) => (item.findText('remove') ?? '') !== '')) return { kind: 'ownerless' }
    const files = links.map(storedOf)
    return files.length === 0 ? PENDING : { kind: 'stored', files }
  }
  if (answer.status === 404 || answer.status === 410) throw expired(answer)
  if (!isSuccess(answer)) throw notJson(answer)
  if (answer.isPage) return pageReport(answer)
  if (answer.text.trim() === '') return PENDING
  const files = csvReport(answer.text)
  if (files === undefined) throw notJson(answer)
  return { kind: 'stored', files }
}

/**
 * The report as CSV, which is what the header `EXPORT: 1` asks for; `undefined` when the text is something else.
 * A line is `filename;size;download id;removal id;domain id;?`; only the name may hold further semicolons.
 */
export function csvReport(text: string): readonly StoredFile[] | undefined {
  const files: StoredFile[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const match = /^(.+);(\d{1,15});([a-z0-9]{5,20});([^;]*);(\d{1,2})(?:;([^;]*))?;?$/.exec(line)
    const [, name = '', size = '', id = '', , domain = ''] = match ?? []
    // The numbers of wire.md §12 are the places in this list.
    const link = findFileLink(`https://${DOMAINS[Number(domain)] ?? ''}/?${id}`)
    if (match === null || Number(domain) > DOMAIN_NUMBER_MAX || link === undefined) return undefined
    files.push({ link, name, sizeBytes: Number(size), whirlpool: undefined })
  }
  return files.length === 0 ? undefined : files
}

function storedOf(item: Fields): StoredFile {
  return {
    link: item.link('download'),
    name: item.text('filename'),
    sizeBytes: item.count('size'),
    whirlpool: whirlpoolOf(item, 'whirlpool'),
  }
}

/** A page that tells of a lock or an outage is that; any other one is the page of waiting, whatever its language. */
function pageReport(answer: Answer): UploadReport {
  const words = visibleText(answer.text)
  if (findRefusal(words, 'page') === undefined) return PENDING
  throw refusalOf(answer, words, 'page')
}

function expired(answer: Answer): GatewayError {
  if (answer.isPage && findRefusal(visibleText(answer.text), 'page') !== undefined) return notJson(answer)
  return new GatewayError('not-found', '1fichier no longer has the report of this upload', {
    hint: 'list the folder to see what is stored',
    facts: { endpoint: answer.place, status: answer.status, expired: true },
  })
}
