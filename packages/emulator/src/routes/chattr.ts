import type { Service } from '../service.ts'
import type { Acl, FileRecord } from '../state/records.ts'
import type { ApiCall, JsonObject } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { linkOf, success } from './entries.ts'
import { flagField, isObject, neededLinks, textField } from './fields.ts'
import { writableFile } from './file-edits.ts'
import { BAD_FILENAME, isGoodFileName } from './names.ts'

const PASS_LENGTH_MIN = 6

export function changeAttributes(service: Service, { json: request }: ApiCall): Reply {
  const links = neededLinks(request, 'urls')
  const changes = wantedChanges(service, request, links.length)
  const updated = links.flatMap((link) => {
    const file = writableFile(service, link)
    if (!file || isUnchanged(file, changes)) return []
    service.account.place({ ...file, ...changes }, file, service.timers.nowMs(), 0)
    return [linkOf(file)]
  })
  if (updated.length === 0) throw new Refusal('No changes requested #320', 200)
  return success(service, { updated: updated.length, urls: updated })
}

function wantedChanges(service: Service, request: JsonObject, links: number): Partial<FileRecord> {
  const filename = textField(request, 'filename')
  const description = textField(request, 'description')
  const pass = passField(request)
  const noSsl = flagField(request, 'no_ssl')
  const inline = flagField(request, 'inline')
  const cdn = flagField(request, 'cdn')
  const acl = aclField(request)
  if (filename !== undefined && links > 1) throw new Refusal('Only one file can be renamed #315', 200)
  if (filename !== undefined && !isGoodFileName(filename, service.readings()))
    throw new Refusal(BAD_FILENAME, 200)
  return {
    ...(filename === undefined ? {} : { name: filename }),
    ...(description === undefined ? {} : { description }),
    ...(pass === undefined ? {} : { pass }),
    ...(noSsl === undefined ? {} : { noSsl }),
    ...(inline === undefined ? {} : { inline }),
    ...(cdn === undefined ? {} : { cdn }),
    ...(acl === undefined ? {} : { acl }),
  }
}

/** A password of at least six characters, `""` to remove it, or undefined when none is named. */
export function passField(request: JsonObject): string | undefined {
  const pass = textField(request, 'pass')
  if (pass !== undefined && pass !== '' && pass.length < PASS_LENGTH_MIN) {
    throw new Refusal(`Password too short, ${PASS_LENGTH_MIN} characters are needed #321`, 200)
  }
  return pass
}

function isUnchanged(file: FileRecord, changes: Partial<FileRecord>): boolean {
  return JSON.stringify({ ...file, ...changes }) === JSON.stringify(file)
}

/** An empty object, list or string removes the restriction; `undefined` leaves it. */
function aclField(request: JsonObject): Acl | null | undefined {
  const value = request['acl']
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) return null
  const acl: Acl = {
    ip: strings(value['ip']),
    country: strings(value['country']),
    email: strings(value['email']),
    premium: value['premium'] === 1 ? 1 : 0,
  }
  const isEmpty = acl.ip.length + acl.country.length + acl.email.length + acl.premium === 0
  return isEmpty ? null : acl
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry: unknown) => typeof entry === 'string') : []
}
