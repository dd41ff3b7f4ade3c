import { reportFailure, runCli } from './program.ts'
import { processWorld } from './world.ts'

async function main(): Promise<void> {
  const world = processWorld()
  // The last gate: whatever fails outside of every wait is told in words, too.
  process.on('uncaughtException', (failure) => process.exit(reportFailure(failure, world)))
  process.exitCode = await runCli(process.argv.slice(2), world)
}

// Else it is compiled ahead only, by bin/compile-ahead.mjs.
if (import.meta.main) await main()
