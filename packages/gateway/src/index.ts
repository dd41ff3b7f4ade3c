/** The gateway: one process that serves every door and asks 1fichier for what is not known. */
export { checkHome } from './check-home.ts'
export { type Gateway, startGateway } from './compose.ts'
export { type Config, type ConfigFile, loadConfig } from './config.ts'
export { createAuthority } from './doors/proxy/authority.ts'
export { type Hasher, type Hashers, openHashers } from './hashing/hashers.ts'
export { exportLedger, openLedgerExport } from './ledger-export.ts'
export {
  type AcceptedLedger,
  acceptLedgerOf,
  databaseOf,
  enterInLedger,
  type LedgerFile,
  openLedgerFile,
} from './ledger-file.ts'
export { DEFAULT_LISTEN } from './listeners.ts'
export { createLog, type Log, type LogLevel, scrub } from './log.ts'
export { panicWithoutGateway } from './panic.ts'
export {
  anchorOf,
  isSignedWith,
  type LedgerCheck,
  sha256,
  type VerifiedLedger,
  verifyLedger,
} from './services/ledger/verify.ts'
export { copyDatabase } from './stores/sqlite/index.ts'
export { type DatabaseReport, inspectDatabase, type ReportedKey } from './stores/sqlite/inspect.ts'
export { VERSION } from './version.ts'
export { realWorld, type World } from './world.ts'
