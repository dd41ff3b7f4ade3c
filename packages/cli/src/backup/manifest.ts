import { GatewayError } from '@guichet/core'
import { isPlainName } from './tar.ts'

/** The first file in a backup: what the others are. */
export interface Manifest {
  readonly format: 'guichet-backup'
  readonly version: 1
  readonly madeAt: string
  /** The version of Guichet that made it. */
  readonly guichet: string
  readonly files: readonly ManifestFile[]
}

export interface ManifestFile {
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
}

export const MANIFEST_NAME = 'manifest.json'
export const MANIFEST_BYTES_MAX: number = 1024 * 1024

export function parseManifest(text: string): Manifest {
  const value = parseJson(text)
  if (value['format'] !== 'guichet-backup') throw refused('it is no backup of Guichet', 'take another file')
  if (value['version'] !== 1) {
    throw refused(
      'its format is newer than this version of Guichet',
      'restore it with the version that made it',
    )
  }
  const { madeAt, guichet, files } = value
  if (
    typeof madeAt !== 'string' ||
    !Number.isFinite(Date.parse(madeAt)) ||
    typeof guichet !== 'string' ||
    !Array.isArray(files) ||
    !files.every(isManifestFile) ||
    new Set(files.map(({ name }) => name)).size < files.length
  ) {
    throw refused('its list of files is damaged', 'take another file')
  }
  return { format: 'guichet-backup', version: 1, madeAt, guichet, files }
}

function isManifestFile(value: unknown): value is ManifestFile {
  if (typeof value !== 'object' || value === null) return false
  const { name, sizeBytes, sha256 } = { ...value } as Partial<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    isPlainName(name) &&
    Number.isSafeInteger(sizeBytes) &&
    Number(sizeBytes) >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  )
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {} // Refused like any other text that is no manifest.
  }
}

function refused(why: string, hint: string): GatewayError {
  return new GatewayError('corrupt', `the backup cannot be used: ${why}`, { hint })
}
