/** What stands before a text and says what it is: `api_key = "`, `Authorization: Bearer `, `the key is `. */
export interface Naming {
  /** Empty where nothing names it. */
  readonly name: string
  readonly scheme: 'bearer' | 'basic' | undefined
  /** `user:`, with nothing around the colon. */
  readonly isPair: boolean
}

export type NameMeaning =
  /** Says 1fichier and key. */
  | 'fichier-key'
  /** Says key, and nothing that makes it another's. */
  | 'key'
  /** Says key, and also something that we do not know. */
  | 'foreign-key'
  | 'something-else'
  | 'nothing'

const KEY_WORDS =
  /^(?:api)?(?:keys?|tokens?|secrets?|passwords?|passwd|pass|pwd|auth|authorization|bearer|credentials?|cl[eé])$/
const GENERIC_WORDS =
  /^(?:api|x|my|the|user|account|default|env|config|conf|settings?|options?|premium|hoster|host|service|plugin|remote|login|http|https|headers?|new|old|current|process|self|this|os|data|value|b64|base64|encoded|obscured|hex|raw|main|real|full|private|personal|access|rclone|jd|params?|query|args?|const|let|var|export|set|setx|string|str|def|your|\d*)$/
/** Named so, a text of 32 characters is something else, in requests to 1fichier too (vouchers have 32 as well, wire.md §12). */
const OTHER_WORDS =
  /^(?:ids?|hash|sha\d*|md5|etag|csrf|xsrf|session|cookie|sid|links?|files?|folders?|url|uri|path|voucher|checksum|whirlpool|nonce|uuid|guid|signature|sig|integrity|digest|client|commit|rev|version|upload|filename|cache|public|request|trace|span|ref|slot|ticket)$/
/** Types and fields that name nothing by themselves: the name stands before them. */
const HOLLOW = /^(?:string|str|text|value|val|default|content|const|char|bytes|literal)$/i
/** Other services whose keys lie beside 1fichier's, and are not to be taken for it. */
export const OTHER_SERVICE: RegExp =
  /real-?debrid|all-?debrid|premiumize|debrid-?link|torbox|rapidgator|uptobox|nitroflare|turbobit|katfile|ddownload|mega(?![a-z])|google|gdrive|dropbox|onedrive|aws|amazon|azure|github|gitlab|openai|anthropic|telegram|discord|slack|twilio|stripe|auth0|tmdb|tvdb|trakt|plex|jellyfin|emby|sonarr|radarr|prowlarr|jackett|lidarr|bazarr|cloudflare|sendgrid|mailgun|okta|datadog|sentry|algolia|asana|last\.?fm|spotify/i

/** `before` is of its line; `lead` goes further back. */
export function namingOf(before: string, lead: string): Naming {
  let rest = before.slice(-160)
  // In a list of keys the name stands before the first.
  rest = rest.replace(/(?:[A-Za-z0-9\-_=]{32}["']?\s*[,;|]\s*["']?)+$/, '').replace(/[\s"'`\\([{<]*$/, '')
  const scheme = /(?<![A-Za-z])(bearer|basic)(?:%20|\+|:)?$/i.exec(rest)?.[1]?.toLowerCase()
  if (scheme !== undefined) rest = rest.slice(0, -scheme.length)
  rest = rest.replace(/[\s"'`\\([{<>]*$/, '')
  rest = rest
    .replace(/(?:=>|:=|==|:-|[:=,|]|\s(?:is|was|est))[\s"'`\\)\]}]*$/i, '')
    .replace(/["'`\\)\]}\s>]+$/, '')
  const name = /[\p{L}\p{N}_][\p{L}\p{N}_.$\-["'\]]*$/u.exec(rest)?.[0] ?? ''
  const last = wordsOf(name).at(-1) ?? ''
  const real = HOLLOW.test(last) ? (keyNames(lead.slice(-160)).at(-1) ?? name) : name
  return {
    name: real,
    scheme: scheme === 'bearer' || scheme === 'basic' ? scheme : undefined,
    isPair: /(?:^|[\s/"'`])[\w.@+-]+:$/.test(before),
  }
}

export function meaningOf(name: string): NameMeaning {
  const words = wordsOf(name)
  if (words.length === 0) return 'nothing'
  const saysKey = words.some((word) => KEY_WORDS.test(word))
  const saysFichier = words.some((word) => /fichier/.test(word))
  const saysService = words.includes('1fichier')
  const others = words.filter((word) => OTHER_WORDS.test(word))
  if (others.length > 0) return 'something-else'
  if ((saysFichier && saysKey) || (saysService && words.every(isOurs))) return 'fichier-key'
  if (!saysKey) return words.every((word) => GENERIC_WORDS.test(word)) ? 'nothing' : 'something-else'
  return words.every((word) => KEY_WORDS.test(word) || GENERIC_WORDS.test(word)) ? 'key' : 'foreign-key'
}

function isOurs(word: string): boolean {
  return /fichier/.test(word) || GENERIC_WORDS.test(word)
}

/** `FICHIER_API_KEY`, `fichierApiKey` and `fichier.api-key` are the same three words. */
function wordsOf(name: string): readonly string[] {
  return (
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
      .toLowerCase()
      // `fichier` alone is French for "file".
      .replace(/(?:1|one|un)[-_ ]?fichier/g, ' 1fichier ')
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word !== '')
  )
}

function keyNames(text: string): readonly string[] {
  return text.match(/[\w-]*(?:key|token|secret|pass)[\w-]*/gi) ?? []
}
