import type { GatewayError } from '@guichet/core'
import { foreseen } from '../failures.ts'
import { inParallel } from '../parallel.ts'
import type { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { ATTEMPTS_MAX, receiveFile } from './receive.ts'
import type { Wanted } from './sources.ts'

/** A file and the absolute path it gets here. */
export type Target = Wanted

export interface Fetched {
  readonly path: string
  readonly local: string
  readonly sizeBytes: number
  readonly whirlpool: string
}

export interface Report {
  readonly fetched: Fetched[]
  readonly failed: { readonly source: string; readonly error: GatewayError }[]
}

const PARALLEL_GETS = 2

/**
 * Fetches one file after the other, two at a time. One that fails is reported, and the others go on.
 * Rejects when it is cancelled, or the disk here is full.
 */
export async function fetchAll(
  session: Session,
  targets: readonly Target[],
  progress: Progress,
  report: Report,
): Promise<void> {
  // The gateway did not answer for as long as it is waited for: for the other files it is not waited for again.
  let isGone = false
  await inParallel(targets, PARALLEL_GETS, async ({ file, local }) => {
    const { path, sizeBytes } = file
    try {
      const attemptsMax = isGone ? 1 : ATTEMPTS_MAX
      const { whirlpool, isVerified } = await receiveFile(session, file, local, progress, attemptsMax)
      isGone = false
      report.fetched.push({ path, local, sizeBytes, whirlpool })
      if (!isVerified)
        session.print.warning(`${path}: 1fichier has no checksum for it yet; its size is right`)
      progress.tell(`${report.fetched.length} fetched`)
    } catch (failure) {
      const error = foreseen(failure)
      if (error.code === 'cancelled' || error.code === 'disk-full') throw error
      isGone = error.code === 'unavailable'
      report.failed.push({ source: path, error })
    }
  })
}
