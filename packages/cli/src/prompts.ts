import * as clack from '@clack/prompts'
import { GatewayError, Secret } from '@guichet/core'
import { isInteractive, type World } from './world.ts'

/** Asks on the terminal, on the error stream: the output stays clean for results. */
function streams(world: World): {
  readonly input: World['input']
  readonly output: World['errors']
  readonly signal: AbortSignal
} {
  // Input that ends would leave the question open, and the process would end in the middle of it.
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask on', {
      hint: 'run it on a terminal, or look in its --help for how to answer beforehand',
    })
  }
  return { input: world.input, output: world.errors, signal: world.signals.stop }
}

export async function confirm(world: World, question: string): Promise<boolean> {
  return answered(await clack.confirm({ ...streams(world), message: question, initialValue: false }))
}

export async function choose<Value extends string>(
  world: World,
  question: string,
  choices: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[],
): Promise<Value> {
  const options = choices.map((choice) => ({ ...choice })) as clack.Option<Value>[]
  return answered(await clack.select<Value>({ ...streams(world), message: question, options }))
}

/** Nothing of what is typed is shown. */
export async function askSecret(
  world: World,
  question: string,
  problemOf: (text: string) => string | undefined,
): Promise<Secret> {
  const validate = (text: string | undefined): string | undefined => problemOf(text ?? '')
  const typed = answered(await clack.password({ ...streams(world), message: question, mask: '', validate }))
  world.secrets.learn(typed)
  return new Secret(typed)
}

export async function askText(world: World, question: string, initialValue: string): Promise<string> {
  return answered(
    await clack.text({ ...streams(world), message: question, initialValue, defaultValue: initialValue }),
  )
}

function answered<Answer>(answer: Answer): Exclude<Answer, typeof clack.CANCEL_SYMBOL> {
  if (!clack.isCancel(answer)) return answer as Exclude<Answer, typeof clack.CANCEL_SYMBOL>
  throw new GatewayError('cancelled', 'stopped before anything was changed')
}
