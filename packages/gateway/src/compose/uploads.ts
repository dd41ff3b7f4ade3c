import path from 'node:path'
import type { Config } from '../config.ts'
import { sweepContent } from '../content-garbage.ts'
import type { Hashers } from '../hashing/hashers.ts'
import { startHousekeeping } from '../services/housekeeping.ts'
import { createUploads } from '../services/uploads/journaled-uploads.ts'
import { UPLOADER_LIMITS } from '../services/uploads/limits.ts'
import { startUploader } from '../services/uploads/patient-uploader.ts'
import { createUploadReach } from '../services/uploads/reach.ts'
import type { Uploader } from '../services/uploads/uploader.ts'
import type { Uploads } from '../services/uploads/uploads.ts'
import { openSpool } from '../stores/disk/spool.ts'
import type { World } from '../world.ts'
import type { Stores } from './stores.ts'
import type { PacedHostFor } from './upstream.ts'

const LINGER_MS = { alone: 150, more: 5_000 }

/** From the spool to 1fichier. */
export async function openUploads(
  opened: AsyncDisposableStack,
  config: Config,
  { clock, log, random }: World,
  stores: Stores,
  hashers: Hashers,
  host: PacedHostFor,
): Promise<{ uploader: Uploader; uploads: Uploads }> {
  const spool = openSpool({
    directory: path.join(config.home, 'spool'),
    reserveBytes: config.reserveBytes,
    onContent: sweepContent(globalThis.gc),
  })
  opened.use(await startHousekeeping({ journal: stores.journal, spool, clock, log }))
  const limits = scaledLimits(config)
  const reaches = createUploadReach(stores)
  const uploader = opened.use(
    startUploader({ ...stores, host, spool, reaches, clock, log, lingerMs: LINGER_MS, limits }),
  )
  return { uploader, uploads: createUploads({ ...stores, uploader, spool, hashers, clock, random }) }
}

/** A stand-in whose time runs faster also reports and settles faster. */
function scaledLimits({ timeScale }: Config): Parameters<typeof startUploader>[0]['limits'] {
  if (timeScale === 1) return undefined
  const { retry, report, settleMs, reportForMs } = UPLOADER_LIMITS
  const faster = (ms: number): number => Math.max(50, ms / timeScale)
  return {
    retry: { firstMs: faster(retry.firstMs), longestMs: faster(retry.longestMs) },
    report: { firstMs: faster(report.firstMs), longestMs: faster(report.longestMs) },
    settleMs: faster(settleMs),
    reportForMs: faster(reportForMs),
  }
}
