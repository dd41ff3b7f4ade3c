import {
  type CopyOptions,
  type FileChanges,
  type FileHost,
  type FileLink,
  type FolderId,
  findFileLink,
  GatewayError,
  type HostCall,
  linkText,
  parseName,
  type ScanResult,
} from '@guichet/core'
import { callApi, type Wire } from './call.ts'
import { accessOf, detailsOf, entryOf } from './entries.ts'
import type { Fields } from './fields.ts'
import { frenchCeiling, frenchFloor } from './french-time.ts'
import { parsePass } from './passwords.ts'

type FileCalls = Pick<
  FileHost,
  | 'listFiles'
  | 'fileInfo'
  | 'moveFiles'
  | 'renameFiles'
  | 'copyFiles'
  | 'removeFiles'
  | 'changeFiles'
  | 'scanFile'
>

/** `/v1/file/*.cgi` (wire.md §4). */
export function fileCalls(wire: Wire): FileCalls {
  return {
    async listFiles(scope, window, call) {
      const { sentAfterMs, sentBeforeMs } = window
      const reply = await callApi(
        wire,
        'file/ls',
        {
          folder_id: scope === 'all' ? -1 : scope,
          // Cut outwards, so that no file falls out of the window.
          sent_after: sentAfterMs === undefined ? undefined : frenchFloor(sentAfterMs),
          sent_before: sentBeforeMs === undefined ? undefined : frenchCeiling(sentBeforeMs),
        },
        call,
      )
      return reply.objects('items').map(entryOf)
    },

    async fileInfo(link, options, call) {
      return detailsOf(await callApi(wire, 'file/info', { url: linkText(link), pass: options.pass }, call))
    },

    moveFiles: (links, to, rename, call) => moveFiles(wire, links, to, rename, call),

    async renameFiles(renames, call) {
      if (renames.length === 0) return []
      const urls = renames.map(({ link, name }) => ({ url: linkText(link), filename: parseName(name) }))
      const reply = await callApi(wire, 'file/rename', { urls }, call)
      checkCount(reply, 'renamed', renames.length)
      const links = renames.map(({ link }) => link)
      const renamed = reply.objects('urls').flatMap((item) => findFileLink(item.words('url')) ?? [])
      // An answer that does not name them all leaves what is most likely: a file keeps its link (wire.md §15, unknown 10).
      return renamed.length === links.length ? linksAfter(reply, links, renamed) : links
    },

    copyFiles: (links, to, options, call) => copyFiles(wire, links, to, options, call),

    async removeFiles(links, call) {
      if (links.length === 0) return 0
      const files = links.map((link) => ({ url: linkText(link) }))
      return (await callApi(wire, 'file/rm', { files }, call)).count('removed')
    },

    changeFiles: (links, changes, call) => changeFiles(wire, links, changes, call),
    scanFile: (link, call) => scanFile(wire, link, call),
  }
}

async function moveFiles(
  wire: Wire,
  links: readonly FileLink[],
  to: FolderId,
  rename: string | undefined,
  call: HostCall,
): Promise<readonly FileLink[]> {
  if (links.length === 0) return []
  const reply = await callApi(
    wire,
    'file/mv',
    {
      urls: links.map(linkText),
      // Must be present, for the root too (wire.md §4.6).
      destination_folder_id: to,
      rename: renameOf(links, rename),
    },
    call,
  )
  const moved = reply.links('urls')
  requireAll(reply, moved.length, links.length)
  return linksAfter(reply, links, moved)
}

/** The links of as many files after a change: the old one in most answers; where a file has a new one, the order tells which. */
function linksAfter(
  reply: Fields,
  before: readonly FileLink[],
  after: readonly FileLink[],
): readonly FileLink[] {
  const kept = new Map(after.map((link) => [link.id, link]))
  const asked = new Set(before.map((link) => link.id))
  const fresh = after.filter((link) => !asked.has(link.id)).values()
  return before.map(
    (link) => kept.get(link.id) ?? fresh.next().value ?? reply.refuse('"urls" names a file twice'),
  )
}

async function copyFiles(
  wire: Wire,
  links: readonly FileLink[],
  to: FolderId,
  options: CopyOptions,
  call: HostCall,
): Promise<readonly FileLink[]> {
  if (links.length === 0) return []
  const reply = await callApi(
    wire,
    'file/cp',
    {
      urls: links.map(linkText),
      // Not `destination_folder_id`, which is ignored here (wire.md §4.8).
      folder_id: to,
      pass: options.pass,
      rename: renameOf(links, options.rename),
    },
    call,
  )
  const copies = reply
    .objects('urls')
    .map((pair) => ({ from: pair.link('from_url'), to: pair.link('to_url') }))
  requireAll(reply, copies.length, links.length)
  // A file that is asked for twice has two copies.
  const bySource = Map.groupBy(copies, (copy) => copy.from.id)
  return links.map(
    (link) =>
      bySource.get(link.id)?.shift()?.to ?? reply.refuse(`"urls" lacks the copy of ${linkText(link)}`),
  )
}

async function changeFiles(
  wire: Wire,
  links: readonly FileLink[],
  changes: FileChanges,
  call: HostCall,
): Promise<void> {
  const fields = {
    filename: renameOf(links, changes.name),
    description: changes.description,
    pass: parsePass(changes.pass),
    no_ssl: bit(changes.withoutTls),
    inline: bit(changes.inline),
    cdn: bit(changes.cdn),
    acl: changes.access === undefined ? undefined : accessOf(changes.access),
  }
  if (links.length === 0 || Object.values(fields).every((value) => value === undefined)) return
  try {
    await callApi(wire, 'file/chattr', { urls: links.map(linkText), ...fields }, call)
  } catch (failure) {
    // `No changes requested`: everything is as asked for.
    if (!(failure instanceof GatewayError && failure.facts['why'] === 'no-changes')) throw failure
  }
}

/** Words of a scanner that found something; the real ones are in no source (wire.md §4.4). */
const INFECTED = /virus|infect|malware|trojan|eicar|\bfound\b/i
const TOO_LARGE = /too (?:big|large)|size limit/i

async function scanFile(wire: Wire, link: FileLink, call: HostCall): Promise<ScanResult> {
  try {
    const reply = await callApi(wire, 'file/scan', { url: linkText(link) }, call)
    return { kind: 'clean', cachedSinceMs: reply.findMoment('date') }
  } catch (failure) {
    // A find comes as `KO` too; only words that mean nothing else can be one.
    if (!(failure instanceof GatewayError) || failure.code !== 'upstream-changed') throw failure
    if (INFECTED.test(failure.message)) return { kind: 'infected', message: failure.message }
    if (!TOO_LARGE.test(failure.message)) throw failure
    throw new GatewayError('too-large', `1fichier does not scan so large a file: ${linkText(link)}`, {
      hint: 'it scans files below 5 GB',
      cause: failure,
    })
  }
}

function renameOf(links: readonly FileLink[], name: string | undefined): string | undefined {
  if (name === undefined || links.length === 1) return name === undefined ? undefined : parseName(name)
  throw new GatewayError('invalid', `${links.length} files cannot all get the name ${JSON.stringify(name)}`, {
    hint: 'rename one file at a time',
  })
}

/** 1fichier tells how many files it touched; where it does not, its OK counts. */
function checkCount(reply: Fields, name: string, asked: number): void {
  requireAll(reply, reply.findCount(name) ?? asked, asked)
}

function requireAll(reply: Fields, done: number, asked: number): void {
  if (done === asked) return
  if (done > asked) reply.refuse(`answers for ${done} files where ${asked} were asked about`)
  throw new GatewayError('conflict', `1fichier did this for ${done} of ${asked} files only`, {
    hint: 'list the folder to see for which ones, and do the rest again',
    facts: { asked, done, why: 'partial' },
  })
}

function bit(flag: boolean | undefined): 0 | 1 | undefined {
  return flag === undefined ? undefined : flag ? 1 : 0
}
