/** The version of this release; `architecture.test.ts` compares it with package.json. */
export const VERSION = '0.1.0'
