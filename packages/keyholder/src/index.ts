/** The keyholder: the one process that can read the API key, and what the others need to talk to it. */
export { connectKeyholder, type KeyholderClient } from './client.ts'
export type { KeyholderStatus } from './keyholder.ts'
export { readKeyring, writeKeyring } from './keyring.ts'
export { acceptLedger, readWitness, WITNESS_FILE } from './ledger-witness.ts'
export { isMarkedSealed, markSealed } from './seal-mark.ts'
export type { KdfCost } from './sealing.ts'
export {
  type KeyholderExit,
  type KeyholderProcess,
  type KeyholderStart,
  startKeyholder,
} from './start.ts'
export { createVault, inspectVault, type NewVault, type NewWay, openVault } from './vault.ts'
export { DEFAULT_COST, isWayName, type WayKind } from './vault-format.ts'
export { readWays, type Way, type WayChange } from './ways.ts'
