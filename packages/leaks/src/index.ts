/** What a key looks like, in every encoding and in the places where it is kept; and how it is hidden from what is written. */
export { findKeys } from './detect/find-keys.ts'
export { fingerprintOf } from './detect/fingerprint.ts'
export { obscureRclone, revealRclone } from './detect/rclone-obscure.ts'
export type { Confidence, Encoding, FindContext, Finding, FoundKind, RuleId } from './finding.ts'
export { JDOWNLOADER, JDOWNLOADER_ACCOUNTS } from './places/jdownloader.ts'
export type { Format, Place, Sighting, Tool } from './places/place.ts'
export {
  type PlaceReading,
  previewPlace,
  readPlace,
  rewritePlace,
  type Substitute,
} from './places/read-place.ts'
export { placeAt, SHELL_FILES, type Surroundings, usualPlaces } from './places/usual-places.ts'
export { type Concealer, createConcealer, hideVirtualKeys } from './redact/concealer.ts'
export { hideCredentials, hideKeys } from './redact/hide-keys.ts'
export { EXPORTS } from './rules/rules.ts'
export { scanContent, scanPaths } from './scan/files.ts'
export { scanHistory, scanStaged } from './scan/history.ts'
export { type InstalledHook, installHook } from './scan/hook.ts'
export { maskedKey, type Scanned, type ScanOptions } from './scan/scanned.ts'
