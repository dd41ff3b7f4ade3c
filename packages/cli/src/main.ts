import { foreseen, withoutKeys } from './failures.ts'
import { reportFailure, runCli } from './program.ts'
import { processWorld } from './world.ts'

async function main(): Promise<void> {
  const world = processWorld()
  // The last gate: whatever fails outside of every wait is told in words, too.
  const argv = process.argv.slice(2)
  process.on('uncaughtException', (failure) =>
    process.exit(reportFailure(withoutKeys(foreseen(failure), argv), world)),
  )
  process.exitCode = await runCli(argv, world)
}

// Else it is compiled ahead only, by bin/compile-ahead.mjs.
if (import.meta.main) await main()
