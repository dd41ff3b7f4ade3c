/** The gateway: one process that serves every door and asks 1fichier for what is not known. */
export { type Gateway, startGateway } from './compose.ts'
export { type Config, type ConfigFile, DEFAULT_LISTEN, loadConfig } from './config.ts'
export { createAuthority } from './doors/proxy/authority.ts'
export { type Hasher, type Hashers, openHashers } from './hashing/hashers.ts'
export { createLog, type Log, type LogLevel, scrub } from './log.ts'
export { panicWithoutGateway } from './panic.ts'
export { VERSION } from './version.ts'
export { realWorld, type World } from './world.ts'
