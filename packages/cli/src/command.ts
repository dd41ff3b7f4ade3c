import type { Command } from 'commander'
import type { Session } from './session.ts'
import type { World } from './world.ts'

/** What a command needs to hook itself in. */
export interface Cli {
  readonly world: Pick<World, 'output' | 'errors'>
  /** Runs a command's work in a session of its own; a number is the exit code. */
  run(command: Command, work: (session: Session) => Promise<number> | Promise<void>): Promise<void>
}

/** Examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

/** Options that are repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
