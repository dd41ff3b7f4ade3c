import type { Exchange, FileHost } from '@guichet/core'
import { accountCalls } from './account.ts'
import type { Wire } from './call.ts'
import { downloadCalls } from './download.ts'
import { fileCalls } from './files.ts'
import { folderCalls } from './folders.ts'
import { ftpCalls } from './ftp.ts'
import { publicCalls } from './public.ts'
import { remoteCalls } from './remote.ts'
import { uploadCalls } from './upload.ts'
import { voucherCalls } from './vouchers.ts'

export interface FichierOptions {
  /**
   * Carries what needs the API key and adds it itself: this package never sees one.
   * Used for `https://api.1fichier.com/v1/*.cgi` and for `upload.cgi` of an upload node.
   */
  readonly keyed: Exchange
  /** Carries what needs no key: direct links, `end.pl`, public folders, the link check. */
  readonly open: Exchange
  /** A new text for each multipart body: 16 to 70 random characters of `[A-Za-z0-9]`, not to be met in any file. */
  readonly boundary: () => string
  /** Where the API lives. */
  readonly origin?: string
}

/** 1fichier, spoken to over two transports. Holds no state: nothing has to be closed. */
export function connectFichier(options: FichierOptions): FileHost {
  const { keyed, open, boundary, origin = 'https://api.1fichier.com' } = options
  const wire: Wire = { keyed, open, boundary, origin }
  return {
    ...fileCalls(wire),
    ...folderCalls(wire),
    ...uploadCalls(wire),
    ...downloadCalls(wire),
    ...accountCalls(wire),
    ...publicCalls(wire),
    remote: remoteCalls(wire),
    ftp: ftpCalls(wire),
    vouchers: voucherCalls(wire),
  }
}
