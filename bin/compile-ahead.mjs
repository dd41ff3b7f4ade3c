// Fills the cache of compiled code. A process that strips types by itself keeps 20 MB for that until its end.
import { loadCommands } from '../packages/cli/src/commands.ts'
import '../packages/cli/src/main.ts'
import '../packages/gateway/src/index.ts'
import '../packages/keyholder/src/main.ts'

await loadCommands([])

// It refuses to run outside of a thread; by then it is compiled.
await import('../packages/gateway/src/hashing/whirlpool-worker.ts').catch(() => undefined)
