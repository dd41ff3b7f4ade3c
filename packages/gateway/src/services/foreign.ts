import {
  type FileDetails,
  type FileLink,
  type FileNode,
  GatewayError,
  type LinkState,
  linkText,
  type PublicFile,
  ROOT,
} from '@guichet/core'
import type { HostFor } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'

/** Files of other people, reached by their link with the owner's account: only for keys that are not confined. */
export interface Foreign {
  /** 1fichier's own words about a link; costs a call each time, so it is for single files only. */
  details(
    caller: Caller,
    link: FileLink,
    pass: string | undefined,
    verb?: 'stat' | 'download',
  ): Promise<FileDetails>
  /** As a file that can be downloaded. */
  file(caller: Caller, link: FileLink, pass: string | undefined): Promise<FileNode>
  publicFolder(caller: Caller, id: string, pass: string | undefined): Promise<readonly PublicFile[]>
  checkLinks(caller: Caller, links: readonly FileLink[]): Promise<readonly LinkState[]>
}

export function createForeign(options: { readonly host: HostFor; readonly gate: Gate }): Foreign {
  const { host, gate } = options

  async function permit(caller: Caller, verb: 'list' | 'stat' | 'download', target: string): Promise<void> {
    if (caller.principal.root !== ROOT) {
      const error = new GatewayError('not-found', `there is no ${target}`, {
        hint: `the key "${caller.principal.name}" is confined to ${caller.principal.rootPath}`,
      })
      throw await gate.deny({ caller, verb, target }, error)
    }
    await gate.permit(caller, verb, target)
  }

  const withPass = (pass: string | undefined): { readonly pass?: string } =>
    pass === undefined ? {} : { pass }

  return {
    async details(caller, link, pass, verb = 'stat') {
      await permit(caller, verb, linkText(link))
      return host(caller, 'interactive').fileInfo(link, withPass(pass), caller)
    },

    async file(caller, link, pass) {
      await permit(caller, 'download', linkText(link))
      const details = await host(caller, 'stream').fileInfo(link, withPass(pass), caller)
      return { ...details, folder: ROOT }
    },

    async publicFolder(caller, id, pass) {
      await permit(caller, 'list', `public folder ${id}`)
      return host(caller, 'interactive').publicFolder(id, withPass(pass), caller)
    },

    async checkLinks(caller, links) {
      await permit(caller, 'stat', links.map(linkText).join(' '))
      return host(caller, 'interactive').checkLinks(links, caller)
    },
  }
}
