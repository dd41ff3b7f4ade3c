/**
 * Everything that may stand in the log, by name. What is not listed is not written: a new field is thought about once,
 * here, instead of being found in somebody's log later.
 */
const LOG_FIELDS = [
  // A request, and who made it.
  'requestId',
  'key',
  'door',
  'verb',
  'target',
  'decision',
  'reason',
  'atMs',
  'path',
  'remote',
  // What went wrong.
  'code',
  'message',
  'hint',
  'alarm',
  'cause',
  'why',
  'problem',
  'result',
  'exposed',
  // A call to 1fichier or to another host.
  'endpoint',
  'status',
  'number',
  'scope',
  'flood',
  'host',
  'port',
  'sent',
  'stored',
  'expired',
  'handedOver',
  // Things, by their ids, and figures about them.
  'at',
  'file',
  'transfer',
  'transfers',
  'node',
  'xid',
  'folder',
  'folderId',
  'name',
  'asked',
  'done',
  'files',
  'folders',
  'failures',
  'size',
  'sizeBytes',
  'startByte',
  'listedBytes',
  'servedBytes',
  'bytesRead',
  'bytesWritten',
  'neededBytes',
  'freeBytes',
  'reserveBytes',
  'durationMs',
  'waitMs',
  'until',
  // Processes.
  'pid',
  'sealed',
  'signal',
] as const

export type LogField = (typeof LOG_FIELDS)[number]

export type LogFacts = { readonly [Field in LogField]?: unknown }

const LISTED: ReadonlySet<string> = new Set(LOG_FIELDS)

/** The facts as they are written: of a field that is not listed only its name. */
export function listedFacts(facts: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, LISTED.has(name) ? value : '[not listed]']),
  )
}
