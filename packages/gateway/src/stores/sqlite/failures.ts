import { GatewayError, systemCodeOf } from '@guichet/core'

/** SQLite's primary result codes that we tell apart: https://sqlite.org/rescode.html */
const RESULT = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notADatabase: 26,
} as const

const UNWRITABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EROFS'])

/** What SQLite says, as a `GatewayError` that names the file and the next step. */
export function failureOf(failure: unknown, path: string): GatewayError {
  if (failure instanceof GatewayError) return failure
  const details = { facts: { path, result: resultOf(failure) ?? -1 }, cause: failure }
  switch (resultOf(failure)) {
    case RESULT.full:
      return new GatewayError('disk-full', `the disk is full: ${path} cannot grow`, {
        hint: 'free some space where the data directory is, then try again',
        ...details,
      })
    case RESULT.busy:
      return new GatewayError('conflict', `another program holds ${path}`, {
        hint: 'end what has it open, then try again',
        ...details,
      })
    case RESULT.readOnly:
    case RESULT.cannotOpen:
      return new GatewayError('internal', `${path} cannot be opened for writing`, {
        hint: 'check that its directory exists and that you may write there',
        ...details,
      })
    case RESULT.corrupt:
      return new GatewayError('internal', `the database ${path} is damaged`, {
        hint: 'stop the gateway and put back a copy of the file, or move it away to begin with an empty one',
        ...details,
      })
    case RESULT.notADatabase:
      return new GatewayError('invalid', `${path} is not a database`, {
        hint: 'move the file away, or choose another home with GUICHET_HOME',
        ...details,
      })
    case RESULT.ioError:
      return new GatewayError('internal', `the disk failed while ${path} was used`, {
        hint: "look into the system's log for errors of the disk",
        ...details,
      })
  }
  if (UNWRITABLE.has(systemCodeOf(failure) ?? '')) {
    return new GatewayError('internal', `${path} cannot be opened for writing`, {
      hint: 'check that its directory exists and that you may write there',
      ...details,
    })
  }
  if (systemCodeOf(failure) === 'ERR_INVALID_STATE') {
    return new GatewayError('unavailable', 'the gateway is stopping', {
      hint: 'try again when it runs',
      ...details,
    })
  }
  return GatewayError.from(failure)
}

/** True when a unique, foreign-key or other constraint refused a write. */
export function isConstraint(failure: unknown): boolean {
  const cause = failure instanceof GatewayError ? failure.cause : failure
  return resultOf(cause) === RESULT.constraint
}

export function isBusy(failure: unknown): boolean {
  return resultOf(failure) === RESULT.busy
}

function resultOf(failure: unknown): number | undefined {
  if (!(failure instanceof Error) || !('errcode' in failure) || typeof failure.errcode !== 'number')
    return undefined
  return failure.errcode & 0xff
}
