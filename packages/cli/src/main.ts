import { runCli } from './program.ts'
import { processWorld } from './world.ts'

const code = await runCli(process.argv.slice(2), processWorld())
// A signal that stopped the command has its own exit code.
process.exitCode = process.exitCode === undefined || process.exitCode === 0 ? code : process.exitCode
