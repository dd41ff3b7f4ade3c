// Fills the cache of compiled code. A process that strips types by itself keeps 20 MB for that until its end.
import '../packages/cli/src/main.ts'
import '../packages/gateway/src/index.ts'
import '../packages/keyholder/src/main.ts'

// It refuses to run outside of a thread; by then it is compiled.
await import('../packages/gateway/src/hashing/whirlpool-worker.ts').catch(() => undefined)
