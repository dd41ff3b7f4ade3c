import {
  type ErrorCode,
  type FileHost,
  type FileNode,
  type FolderId,
  GatewayError,
  type Tree,
  type Verb,
} from '@guichet/core'
import type { Catalogue, HostFor, Reach } from '../catalogue/catalogue.ts'
import type { Caller, Gate } from '../gate.ts'

/** What a change is about. */
export interface Touch {
  /** What the key must still see when the change is sent. */
  readonly reach: Reach
  /** Whose content it touches. */
  readonly folders: readonly FolderId[]
  /** The one thing that must be there for it. */
  readonly file?: FileNode | undefined
  readonly folder?: FolderId | undefined
}

/** Sends changes, one call each, and keeps what is known honest when one goes wrong. */
export interface ChangeSender {
  /**
   * After a lost answer or a surprise, the folders concerned are asked for anew; what 1fichier says is not there is
   * dropped. Rejects as the host does.
   */
  send<T>(caller: Caller, touch: Touch, call: (host: FileHost) => Promise<T>): Promise<T>
  permitEach(caller: Caller, verb: Verb, files: readonly FileNode[]): Promise<void>
}

export function createChangeSender(options: {
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly host: HostFor
  readonly gate: Gate
}): ChangeSender {
  const { tree, catalogue, host, gate } = options

  async function learnFrom(failure: unknown, touch: Touch): Promise<void> {
    if (leavesAsItWas(failure)) return
    const { code } = GatewayError.from(failure)
    if (code === 'not-found' && touch.file !== undefined) await tree.forgetFile(touch.file.link.id)
    if (code === 'not-found' && touch.folder !== undefined) await tree.forgetFolder(touch.folder)
    for (const folder of new Set(touch.folders)) await catalogue.doubt(folder)
  }

  return {
    async send(caller, touch, call) {
      try {
        const recheck = (): Promise<void> => catalogue.requireStill(caller, touch.reach)
        return await call(host({ ...caller, recheck }, 'write'))
      } catch (failure) {
        await learnFrom(failure, touch)
        throw failure
      }
    },

    async permitEach(caller, verb, files) {
      for (const file of files) {
        await gate.permit(caller, verb, `${await catalogue.pathOf(file.folder)}/${file.name}`)
      }
    },
  }
}

/** Refused before anything left the machine, or whatever it was about: all is as it was. */
export function leavesAsItWas(failure: unknown): boolean {
  const { code, facts } = GatewayError.from(failure)
  return facts['sent'] === false || UNTOUCHED.includes(code)
}

const UNTOUCHED: readonly ErrorCode[] = ['paced', 'sealed', 'locked', 'account-refused']

/** At least 6 characters, or empty to remove it (wire.md §4.9, §5.5). */
export function parsePassword(pass: string | undefined): void {
  if (pass === undefined || pass === '' || pass.length >= PASSWORD_LENGTH_MIN) return
  throw new GatewayError('invalid', `a password needs at least ${PASSWORD_LENGTH_MIN} characters`, {
    hint: 'choose a longer one, or an empty one to remove it',
  })
}

const PASSWORD_LENGTH_MIN = 6
