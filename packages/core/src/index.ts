/**
 * The language of Guichet.
 *
 * account      one 1fichier account
 * API key      the account's key; the secret we guard
 * keyholder    the small process that alone can read the API key
 * virtual key  a key we issue: verbs, root folder, expiry
 * line         a key and those it was issued under, one above the other
 * budget       how much of something a key may use in each hour, day or month
 * door         a protocol we serve
 * store        a place we keep state
 * rule         one documented or observed limit of 1fichier, as data
 * lock         1fichier's refusal for a while: scope (IP, user, key) × reach
 * tree         our own copy of the account's folders and files
 * token        1fichier's short-lived direct link of one file
 * ticket       our expiring link to one file
 * wrap         the text of a new key, sealed until it is fetched once by its token
 * transfer     one upload or download under way, journaled
 * ledger       the append-only record of who asked what and what was decided
 * checkpoint   a signed note that says how many entries the ledger has, and the hash of them all
 * witness      the keyholder's memory of the last checkpoint it signed
 * exchange     one HTTP request and its answer
 * host         1fichier as the core sees it
 */
export * from './api-key.ts'
export * from './approvals.ts'
export * from './breaker.ts'
export * from './budgets.ts'
export * from './clock.ts'
export * from './endpoints.ts'
export * from './errors.ts'
export * from './exchange.ts'
export * from './guesses.ts'
export * from './host.ts'
export * from './ids.ts'
export * from './keys.ts'
export * from './ledger.ts'
export * from './ledger-audit.ts'
export * from './ledger-checkpoint.ts'
export * from './ledger-leaf.ts'
export * from './ledger-tree.ts'
export * from './links.ts'
export * from './names.ts'
export * from './narrowing.ts'
export * from './pacing.ts'
export * from './public-address.ts'
export * from './relimit.ts'
export * from './secret.ts'
export * from './stores.ts'
export * from './transfers.ts'
export * from './trash.ts'
export * from './tree.ts'
