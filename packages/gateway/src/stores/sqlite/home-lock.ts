import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '@guichet/core'
import { failureOf, isBusy } from './failures.ts'

/**
 * Makes sure that one gateway at a time uses a home, until it is disposed or the process ends, however it ends.
 *
 * An empty SQLite file is held with an exclusive transaction: the operating system frees its lock after `kill -9`,
 * and no stale file has to be judged.
 * Throws `conflict` when the home is taken.
 */
export function lockHome(home: string): AsyncDisposable {
  const path = join(home, 'home.lock')
  let db: DatabaseSync | undefined
  try {
    closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
  } catch (failure) {
    db?.close()
    throw isBusy(failure) ? taken(home, failure) : unusable(home, path, failure)
  }
  const held = db
  return {
    [Symbol.asyncDispose]: () => {
      if (held.isOpen) held.close()
      return Promise.resolve()
    },
  }
}

function taken(home: string, cause: unknown): GatewayError {
  return new GatewayError('conflict', `another gateway uses the home ${home}`, {
    hint: 'stop the other `guichet serve`, or choose another home with GUICHET_HOME',
    cause,
  })
}

function unusable(home: string, path: string, failure: unknown): GatewayError {
  const known = failureOf(failure, path)
  if (known.code !== 'internal') return known
  return new GatewayError('internal', `the home ${home} cannot be written`, {
    hint: 'make the directory and give yourself the right to write there, or set GUICHET_HOME to another one',
    cause: failure,
  })
}
