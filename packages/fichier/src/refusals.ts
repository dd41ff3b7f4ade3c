import type { ErrorCode } from '@guichet/core'
import { MINUTE_MS } from '@guichet/core'

/**
 * What 1fichier's refusals mean: the only place where its words are read.
 *
 * The `#number` behind a message moves over the years and is never branched on (wire.md §1); letter case is ignored;
 * the first row that fits decides. Words that fit no row are `upstream-changed`.
 * `wire/refusals.md` shows this table to people and is checked against it.
 */
export interface Refusal {
  readonly id: string
  readonly words: RegExp
  readonly code: ErrorCode
  /** What happened, to follow "1fichier". */
  readonly meaning: string
  readonly hint: string
  readonly facts?: Readonly<Record<string, string | boolean>>
  readonly retryAfterMs?: number
  /** May be read out of an HTML page too, where any other text could stand. */
  readonly onPages?: boolean
  /** The HTTP statuses it was seen with; `?` where no source tells. The status decides nothing here. */
  readonly http: string
  /** Messages seen, as they were. A row without one is a guess at words that no source quotes. */
  readonly seen: readonly string[]
  readonly source: string
}

const WAIT = 'nothing is sent while the lock lasts; `guichet status` shows until when'
const CONSOLE =
  'look at the account on https://1fichier.com/console/, mend it there, then see `guichet status`'
const NEW_KEY =
  'check the API key on https://1fichier.com/console/params.pl and store it anew with `guichet rotate`'
const OTHER_NAME = 'choose a name without \\ < > " \' $ ` / and without spaces at its ends'

export const REFUSALS: readonly Refusal[] = [
  {
    id: 'flood-key',
    words: /flood detected: *user apk locked/i,
    code: 'locked',
    meaning: 'has locked the API key for calling too fast',
    hint: WAIT,
    facts: { scope: 'key', flood: true },
    onPages: true,
    http: '403 (inferred)',
    seen: ['Flood detected: User APK Locked #123'],
    source: 'wire.md §3 [jd]; the number of the example is made up, no source gives one',
  },
  {
    id: 'flood-user',
    words: /flood detected: *user locked/i,
    code: 'locked',
    meaning: 'has locked the user for calling too fast',
    hint: WAIT,
    facts: { scope: 'user', flood: true },
    onPages: true,
    http: '403 (inferred)',
    seen: ['Flood detected: User Locked #218', 'Flood detected: User Locked #223'],
    source: 'wire.md §3 [jd 2019] [issue pyload#4371, 2023]',
  },
  {
    id: 'flood-ip',
    words: /flood detected/i,
    code: 'locked',
    meaning: 'has locked this address for calling too fast',
    hint: WAIT,
    facts: { scope: 'ip', flood: true },
    onPages: true,
    http: '403, 429 before 2020-04, and 200 as one client expects',
    seen: [
      'Flood detected: IP Locked #374',
      'Flood detected: IP Locked #412',
      'Flood detected: IP Locked #38',
      'Flood detected: IP Locked #1032',
    ],
    source: 'wire.md §3 [rclone] [issue rclone#4161, #7219] [jd]',
  },
  {
    id: 'too-fast',
    words: /your requests are too fast/i,
    code: 'locked',
    meaning: 'has locked this address for calling too fast',
    hint: WAIT,
    facts: { scope: 'ip', flood: true },
    onPages: true,
    http: '? (a page of the website)',
    seen: ['Your requests are too fast'],
    source: 'a page of the website, quoted by JDownloader, which waits 30 s; not in wire.md',
  },
  {
    id: 'ip-locked',
    words: /\bip locked|will be unlocked within/i,
    code: 'locked',
    meaning: 'has locked this address',
    hint: WAIT,
    facts: { scope: 'ip', flood: false },
    onPages: true,
    http: '403 (fixture); ? for the website',
    seen: ['IP Locked #79', 'IP Locked', 'Will be unlocked within 1h'],
    source: 'wire.md §3 [jd] [plowshare], §13 check_links.pl; JDownloader waits 60 min',
  },
  {
    id: 'location',
    words: /only \d+ locations?(?:\(s\))? allowed/i,
    code: 'locked',
    meaning: 'sees the account in use at another place',
    hint: 'use the account from one address only, IPv4 or IPv6 but not both, and wait five minutes',
    facts: { scope: 'ip', flood: false, why: 'location' },
    retryAfterMs: 5 * MINUTE_MS,
    http: '?',
    seen: ['Only 1 location(s) allowed at a time #887'],
    source: 'wire.md §7.2, §14 [jd]; JDownloader waits 5 min',
  },
  {
    id: 'connections',
    words: /ouvre trop de connexions|too many connections/i,
    code: 'locked',
    meaning: 'sees too many connections from this address',
    hint: 'let some downloads end first',
    facts: { scope: 'ip', flood: true, why: 'connections' },
    onPages: true,
    http: '? (a page of the download host)',
    seen: ['Votre adresse IP ouvre trop de connexions vers le serveur'],
    source: 'wire.md §7.3 [jd]',
  },
  {
    id: 'no-such-user',
    words: /no such user/i,
    code: 'account-refused',
    meaning: 'does not know the user of this key, or has locked the account',
    hint: CONSOLE,
    facts: { why: 'account' },
    http: '403',
    seen: ['No such user #93'],
    source: 'wire.md §2 [issue rclone#6165] [jd]; rclone never repeats it',
  },
  {
    id: 'not-authenticated',
    words: /not authenticated/i,
    code: 'account-refused',
    meaning: 'takes no call without a good API key',
    hint: NEW_KEY,
    facts: { why: 'key' },
    http: '401',
    seen: ['Not authenticated #247', 'Not authenticated #48'],
    source: 'wire.md §2',
  },
  {
    id: 'bad-token',
    words: /bad token/i,
    code: 'account-refused',
    meaning: 'refuses the API key',
    hint: NEW_KEY,
    facts: { why: 'key' },
    http: 'not 200',
    seen: ['Bad token'],
    source: 'wire.md §2 [rgsx]',
  },
  {
    id: 'ip-blocked',
    words: /\bip (?:is |has been )?(?:blocked|banned)|\b(?:blocked|banned) ip\b/i,
    code: 'account-refused',
    meaning: 'has blocked this address',
    hint: 'write to the support of 1fichier; nothing here can lift a block',
    facts: { why: 'ip-blocked' },
    http: '403',
    seen: [],
    source: 'wire.md §14 [rclone]: #186, text unknown, "IP blocked?" in its comment; rclone never repeats it',
  },
  {
    id: 'customer',
    words: /must be a customer/i,
    code: 'account-refused',
    meaning: 'gives this to Premium and Access accounts only',
    hint: 'see `guichet account` for the offer and its end',
    facts: { why: 'customer' },
    http: 'not 200; 403 likely',
    seen: ['Must be a customer (Premium, Access) #200', 'Must be a customer (Premium, Access) #236'],
    source: 'wire.md §7.2, §14 [rgsx] [synology]',
  },
  {
    id: 'professional',
    words:
      /professional (?:equipment|services|infrastructure)|must have cdn|use cdn credits|only allowed to be used on residential|requires the use of cdn/i,
    code: 'account-refused',
    meaning: 'takes this connection for a professional one or a VPN',
    hint: 'download from a residential connection, or buy CDN credits; https://1fichier.com/network.html tells what it sees',
    facts: { why: 'cdn' },
    onPages: true,
    http: '403 for the pages; ? for the API',
    seen: [
      'You are using professional equipment, you must have CDN credits #888',
      'Premium status must not be used on professional services',
      'professional infrastructure detected',
      'Premium status is only allowed to be used on residential private connections. Use CDN credits. #913',
    ],
    source:
      'wire.md §7.3, §14 [jd] [issue pyload#4371, 2024]; the first example is filled in around known words',
  },
  {
    id: 'owner-locked',
    words: /owner locked/i,
    code: 'file-refused',
    meaning: 'has locked the owner of the file, or was asked about files too often',
    hint: 'try the link in a browser; it may still work there',
    facts: { why: 'owner-locked' },
    http: '?',
    seen: ['Owner locked #620', 'Owner locked #649'],
    source: 'wire.md §4.2 [jd] [synology#18, 2024]',
  },
  {
    id: 'password-missing',
    words: /password not provided/i,
    code: 'file-refused',
    meaning: 'wants the password of the file',
    hint: 'give the password with `--pass`',
    facts: { why: 'password-missing' },
    http: '403 (inferred)',
    seen: ['Password not provided. Resource not allowed #631'],
    source: 'wire.md §4.2 [jd]',
  },
  {
    id: 'password-wrong',
    words: /invalid password/i,
    code: 'file-refused',
    meaning: 'refuses the password of the file',
    hint: 'ask the owner for the right password; capitals count',
    facts: { why: 'password-wrong' },
    http: '403 (inferred)',
    seen: ['Invalid password. Resource not allowed #631'],
    source: 'wire.md §4.2 [jd]',
  },
  {
    id: 'not-allowed',
    words: /resource not allowed/i,
    code: 'file-refused',
    meaning: 'does not give this file to this account',
    hint: 'the file is private, restricted or has a password: ask its owner',
    facts: { why: 'private' },
    http: '403',
    seen: ['Resource not allowed #631'],
    source: 'wire.md §4.2 [jd]',
  },
  {
    id: 'not-found',
    words:
      /(?:resource|file|folder|directory|voucher|request) not found|no such (?:file|folder|directory|resource)|(?:file|folder|directory) (?:does not|doesn't) exist/i,
    code: 'not-found',
    meaning: 'has no such thing',
    hint: 'it was removed or never existed; list the folder to see what is there',
    http: '404',
    seen: ['Resource not found #469'],
    source: 'wire.md §4.2 [jd]; the words for an unknown folder are unknown (§15)',
  },
  {
    id: 'exists',
    words: /already (?:exists?|used|present)|exists already|existe déjà/i,
    code: 'conflict',
    meaning: 'has something of that name there already',
    hint: 'choose another name, or use what is there',
    facts: { why: 'exists' },
    http: '?',
    seen: [],
    source:
      'wire.md §5.2: unknown, guessed by [go-up]; the website has no two folders of one name [plowshare]',
  },
  {
    id: 'not-empty',
    words: /not empty|isn't empty|n'est pas vide/i,
    code: 'conflict',
    meaning: 'removes empty folders only',
    hint: 'empty the folder first: `guichet rm -r`',
    facts: { why: 'not-empty' },
    http: '?',
    seen: [],
    source: 'wire.md §5.4: the folder must be empty; the words are unknown (§15)',
  },
  {
    id: 'not-renamed',
    words: /no file has been renamed/i,
    code: 'conflict',
    meaning: 'renamed nothing',
    hint: 'the file has this name already, or it is not yours',
    facts: { why: 'not-renamed' },
    http: '200',
    seen: ['No file has been renamed #312'],
    source: 'wire.md §4.7 [issue rclone#7856]',
  },
  {
    id: 'none-touched',
    words: /no file has been (?:moved|copied|removed|deleted)/i,
    code: 'not-found',
    meaning: 'touched none of these files',
    hint: 'they are gone already, or not yours; list the folder to see what is there',
    http: '?',
    seen: [],
    source: 'inferred: what file/rename says (§4.7) in other calls; nobody quotes it',
  },
  {
    id: 'no-changes',
    words: /no changes requested/i,
    code: 'conflict',
    meaning: 'changed nothing',
    hint: 'everything was so already',
    facts: { why: 'no-changes' },
    http: '200 (inferred)',
    seen: ['No changes requested'],
    source: 'wire.md §4.9; the client takes it for success',
  },
  {
    id: 'bad-name',
    words: /bad (?:file|folder|directory)? *name characters|bad filename/i,
    code: 'invalid',
    meaning: 'refuses the name',
    hint: OTHER_NAME,
    facts: { why: 'name' },
    http: '200',
    seen: ['Bad filename characters #512'],
    source: 'wire.md §4.8, §4.10; the number of the example is made up',
  },
  {
    id: 'not-json',
    words: /content-type not json/i,
    code: 'upstream-changed',
    meaning: 'does not take the request for JSON',
    hint: 'this is a mistake in Guichet: please report it',
    http: '?',
    seen: ['Content-Type not JSON #24'],
    source: 'wire.md §1 [csu 2026]; sent without a `status`',
  },
  {
    id: 'no-file-found',
    words: /pas de fichier trouv/i,
    code: 'upstream-changed',
    meaning: 'found no file in the upload',
    hint: 'this is a mistake in Guichet: please report it; sending again does not help',
    facts: { stored: false },
    onPages: true,
    http: '? (a page of the upload node)',
    seen: ["Pas de fichier trouvé dans l'envoi"],
    source: 'wire.md §6.2 [csu]',
  },
  {
    id: 'node-storage',
    words: /ne peut ouvrir le fichier destination/i,
    code: 'upstream-down',
    meaning: 'could not open the storage of this upload node',
    hint: 'send again, to a new node',
    facts: { stored: false },
    onPages: true,
    http: '? (a page of the upload node)',
    seen: ['Ne peut ouvrir le fichier destination'],
    source: 'wire.md §6.2 [csu]: once in 14 parallel uploads',
  },
  {
    id: 'outage',
    words: /our services are in maintenance|software error|can't connect db/i,
    code: 'upstream-down',
    meaning: 'is out of order',
    hint: 'try again later',
    onPages: true,
    http: '500, 502, 503, 504',
    seen: ['Our services are in maintenance', 'Software error', "Can't connect DB"],
    source: 'wire.md §7.3, §14 [jd]',
  },
]

/** The row that fits. On a page only words that cannot be meant otherwise count. */
export function findRefusal(words: string, from: 'message' | 'page'): Refusal | undefined {
  return REFUSALS.find((row) => (from === 'message' || row.onPages === true) && row.words.test(words))
}
