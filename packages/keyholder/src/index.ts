/** The keyholder: the one process that can read the API key, and what the others need to talk to it. */
export { connectKeyholder, type KeyholderClient } from './client.ts'
export type { KeyholderStatus } from './keyholder.ts'
export {
  type KeyholderExit,
  type KeyholderProcess,
  type KeyholderStart,
  startKeyholder,
} from './start.ts'
export { createVault, inspectVault, type NewVault, openVault } from './vault.ts'
export { DEFAULT_COST, type KdfCost } from './vault-format.ts'
