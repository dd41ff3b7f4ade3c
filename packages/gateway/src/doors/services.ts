import type { FolderId } from '@guichet/core'
import type { Accounts } from '../services/account.ts'
import type { Approvals } from '../services/approvals/approvals.ts'
import type { Budgets } from '../services/budgets/budgets.ts'
import type { Catalogue, HostFor } from '../services/catalogue/catalogue.ts'
import type { Changes } from '../services/changes/changes.ts'
import type { Downloads } from '../services/downloads.ts'
import type { Foreign } from '../services/foreign.ts'
import type { Ftp } from '../services/ftp.ts'
import type { Gate } from '../services/gate.ts'
import type { Principals } from '../services/principals.ts'
import type { Remotes } from '../services/remotes.ts'
import type { Tickets } from '../services/tickets.ts'
import type { Trash } from '../services/trash/trash.ts'
import type { MeteredUploads } from '../services/uploads/metered-uploads.ts'

/** What the doors ask of the gateway. */
export interface DoorServices {
  readonly accounts: Accounts
  readonly approvals: Approvals
  readonly budgets: Budgets
  readonly catalogue: Catalogue
  readonly changes: Changes
  readonly downloads: Downloads
  readonly foreign: Foreign
  readonly ftp: Ftp
  readonly gate: Gate
  readonly host: HostFor
  readonly principals: Principals
  readonly remotes: Remotes
  readonly tickets: Tickets
  readonly trash: Trash
  readonly uploads: MeteredUploads
  readonly random: (count: number) => Uint8Array
  nowMs(): number
  /** A client has seen the files of a folder: uploads that ended there are no longer anybody's secret. */
  shown(folder: FolderId): Promise<void>
}
