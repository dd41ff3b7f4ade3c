import { countText } from './print.ts'

/** Where 1fichier shows and makes API keys (wire.md §2). */
export const CONSOLE_PAGE = 'https://1fichier.com/console/params.pl'

/** What a person does there before Guichet can take the new key. */
export const MAKING_A_KEY: readonly string[] = [
  `Make a new API key on ${CONSOLE_PAGE} and copy its 32 characters.`,
  'If the page ends the old key at once, go on without a pause: what is refused meanwhile waits for the new key.',
]

export function rotationReminder(keyAgeDays: number): string {
  return `the API key was stored ${countText(keyAgeDays, 'day')} ago: it is time for a new one (\`guichet rotate\`)`
}
