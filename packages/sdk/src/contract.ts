export * from './contract/files.ts'
export * from './contract/gateway.ts'
export * from './contract/keys.ts'

/**
 * Guichet's own API: routes and shapes, shared by the gateway's door and by every client.
 *
 * All routes stand under `/api/v1`. Requests and answers are JSON, contents apart.
 * A file or folder is named by `at`: a path (`/folder/file`), `folder:123`, a file id's link, or a 1fichier link.
 * A failure is `{ code, message, hint?, retryAfterMs?, requestId }` with the HTTP status of its code.
 */
export const API_PREFIX = '/api/v1'
