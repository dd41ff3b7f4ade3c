import {
  type FileHost,
  type FileLink,
  findFileLink,
  GatewayError,
  type HostCall,
  type HttpRequest,
  type LinkState,
  linkText,
  type PublicFile,
} from '@guichet/core'
import { type Answer, isMarkup, notJson, readAnswer, refusalOf, send } from './answers.ts'
import { bytesOf, isSuccess, understand, type Wire } from './call.ts'
import { changed, Fields, isRecord } from './fields.ts'
import { asksForPass, visibleText } from './pages.ts'
import { findRefusal } from './refusals.ts'

type PublicCalls = Pick<FileHost, 'publicFolder' | 'checkLinks'>

const WEBSITE = 'https://1fichier.com'
/** wire.md §13. */
const CHECKED_LINKS_MAX = 100

/** What 1fichier tells anybody, with no key (wire.md §13). */
export function publicCalls(wire: Wire): PublicCalls {
  return {
    async publicFolder(id, options, call) {
      if (!/^[A-Za-z0-9]{5,20}$/.test(id)) {
        throw new GatewayError(
          'invalid',
          `${JSON.stringify(id.slice(0, 80))} is not the id of a public folder`,
          {
            hint: 'take what follows /dir/ in its address',
          },
        )
      }
      const url = new URL(`/dir/${id}?json=1`, WEBSITE)
      const { pass } = options
      const request: HttpRequest =
        pass === undefined
          ? { method: 'GET', url, headers: { accept: 'application/json', 'accept-encoding': 'identity' } }
          : form(url, { json: '1', pass })
      const answer = await readAnswer('dir', await send(wire.open, request, call), call)
      return publicFiles(answer, pass !== undefined)
    },

    checkLinks: (links, call) => checkLinks(wire, links, call),
  }
}

function publicFiles(answer: Answer, hasPass: boolean): readonly PublicFile[] {
  if (answer.isPage && isSuccess(answer) && asksForPass(answer.text)) {
    throw new GatewayError(
      'file-refused',
      hasPass ? 'the password of the public folder is wrong' : 'the public folder has a password',
      {
        hint: hasPass ? 'capitals count; ask its owner' : 'give the password with `--pass`',
        facts: { endpoint: 'dir', why: hasPass ? 'password-wrong' : 'password-missing' },
      },
    )
  }
  // Nothing but a public folder lives at this address, so a page with 404 is as good as a message.
  const isGone = answer.status === 404 || answer.status === 410
  if (isGone && findRefusal(visibleText(answer.text), 'page') === undefined)
    throw refusalOf(answer, '', 'message')
  const { json } = answer
  if (isRecord(json)) understand(answer)
  if (json === undefined || !isSuccess(answer)) throw notJson(answer)
  // A list, or the same as an object with indexes, which is what json=2 gives.
  const items = Array.isArray(json) ? json : isRecord(json) ? Object.values(json) : undefined
  if (items === undefined) throw changed('dir answered with something that is not a list')
  return items.map((item, index) => {
    if (!isRecord(item)) throw changed(`dir: entry ${index} is not an object`)
    return publicFileOf(new Fields(item, `dir[${index}]`))
  })
}

function publicFileOf(item: Fields): PublicFile {
  return {
    link: item.text('link'),
    name: item.text('filename'),
    sizeBytes: item.count('size'),
    hasPassword: item.flag('password'),
    isRestricted: item.flag('acl'),
  }
}

async function checkLinks(
  wire: Wire,
  links: readonly FileLink[],
  call: HostCall,
): Promise<readonly LinkState[]> {
  if (links.length === 0) return []
  if (links.length > CHECKED_LINKS_MAX) {
    throw new GatewayError(
      'invalid',
      `1fichier checks ${CHECKED_LINKS_MAX} links at a time, not ${links.length}`,
      {
        hint: 'ask about the rest in another call',
      },
    )
  }
  const body = links.map((link) => `links%5B%5D=${encodeURIComponent(linkText(link))}`).join('&')
  const request = formRequest(new URL('/check_links.pl', WEBSITE), body)
  const answer = await readAnswer('check_links', await send(wire.open, request, call), call)
  if (isRecord(answer.json)) understand(answer)
  // The text may come labelled as a page: only markup is one.
  if (!isSuccess(answer) || isMarkup(answer.text) || !answer.text.includes(';')) throw notJson(answer)
  const states = new Map(answer.text.split(/\r?\n/).flatMap(stateOf))
  return links.map((link) => {
    // The domain is part of a file's identity; an answer may name its main one instead.
    const state = states.get(linkText(link)) ?? states.get(link.id)
    if (state === undefined) throw changed(`check_links says nothing about ${linkText(link)}`)
    return state
  })
}

const STATES: Readonly<Record<string, LinkState['state']>> = {
  'NOT FOUND': 'not-found',
  'BAD LINK': 'bad-link',
  PRIVATE: 'private',
}

/** `url;name;size`, where the name may hold semicolons, or `url;;;WORDS`; found by the link and by its id alone. */
function stateOf(line: string): readonly (readonly [string, LinkState])[] {
  if (line.trim() === '') return []
  const [url = '', ...rest] = line.trim().split(';')
  const link = findFileLink(url)
  const last = rest.at(-1) ?? ''
  const name = rest.slice(0, -1).join(';')
  const word = rest.length === 3 && name === ';' ? STATES[last.toUpperCase()] : undefined
  const isFound = /^\d{1,15}$/.test(last) && name !== ''
  if (link === undefined || (word === undefined && !isFound)) {
    throw changed(`check_links answers a line that is not known: ${JSON.stringify(line.slice(0, 120))}`)
  }
  const { id } = link
  const state: LinkState =
    word === undefined
      ? { id, state: 'found', name, sizeBytes: Number(last) }
      : { id, state: word, name: undefined, sizeBytes: undefined }
  return [
    [id, state],
    [linkText(link), state],
  ]
}

function form(url: URL, fields: Readonly<Record<string, string>>): HttpRequest {
  return formRequest(url, new URLSearchParams(fields).toString())
}

function formRequest(url: URL, text: string): HttpRequest {
  const body = bytesOf(text)
  return {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
      'accept-encoding': 'identity',
    },
    body,
  }
}
