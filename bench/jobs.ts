import path from 'node:path'

/** One line of the table. Jobs are done in order in one account, and a later one may use what an earlier one made. */
export interface Job {
  readonly name: string
  /** A tree on this machine: `<work>/<name>/<folder>/…`, made before the first job. */
  readonly local?: { readonly name: string; readonly folders: readonly string[]; readonly files: number }
  /** A tree in the account, unknown to everybody: `/<name>/folder-N/…`. */
  readonly stored?: { readonly name: string; readonly folders: number; readonly files: number }
  rclone(work: string): readonly string[]
  /** The same with Guichet's own command, where that is one command. */
  guichet?(work: string): readonly string[]
}

export const SMALL_JOBS: readonly Job[] = [
  {
    name: 'upload 12 small files into a new folder',
    local: { name: 'twelve', folders: ['new'], files: 12 },
    rclone: (work) => ['copy', path.join(work, 'twelve'), ':fichier:twelve'],
    guichet: (work) => ['put', '-r', path.join(work, 'twelve'), '/'],
  },
  {
    name: 'check the 12 against the disk',
    rclone: (work) => ['check', path.join(work, 'twelve'), ':fichier:twelve'],
  },
  {
    name: 'send the 12 again, nothing changed',
    rclone: (work) => ['sync', path.join(work, 'twelve'), ':fichier:twelve'],
    guichet: (work) => ['put', '-r', path.join(work, 'twelve'), '/'],
  },
  {
    name: 'list 5 folders of 3 files',
    stored: { name: 'listed', folders: 5, files: 3 },
    rclone: () => ['lsf', '-R', ':fichier:listed'],
    guichet: () => ['tree', '/listed'],
  },
  {
    name: 'list them again',
    rclone: () => ['lsf', '-R', ':fichier:listed'],
    guichet: () => ['tree', '/listed'],
  },
  {
    name: 'read a file',
    rclone: () => ['cat', ':fichier:listed/folder-0/file-0.txt'],
    guichet: () => ['cat', '/listed/folder-0/file-0.txt'],
  },
  {
    name: 'read another part of it',
    rclone: () => ['cat', '--offset', '100', '--count', '50', ':fichier:listed/folder-0/file-0.txt'],
  },
]

export const LARGE_JOBS: readonly Job[] = [
  {
    name: 'upload 200 small files into 4 folders',
    local: { name: 'year', folders: ['spring', 'summer', 'autumn', 'winter'], files: 50 },
    rclone: (work) => ['copy', path.join(work, 'year'), ':fichier:year'],
    guichet: (work) => ['put', '-r', path.join(work, 'year'), '/'],
  },
  {
    name: 'send the 200 again, nothing changed',
    rclone: (work) => ['sync', path.join(work, 'year'), ':fichier:year'],
    guichet: (work) => ['put', '-r', path.join(work, 'year'), '/'],
  },
  {
    name: 'download the 200',
    rclone: (work) => ['copy', ':fichier:year', path.join(work, 'back')],
    guichet: (work) => ['get', '-r', '/year', path.join(work, 'back')],
  },
  {
    name: 'delete the 200',
    rclone: () => ['purge', ':fichier:year'],
    guichet: () => ['rm', '-r', '--yes', '/year'],
  },
  {
    name: 'list 100 folders of 10 files',
    stored: { name: 'forest', folders: 100, files: 10 },
    rclone: () => ['lsf', '-R', ':fichier:forest'],
    guichet: () => ['tree', '/forest'],
  },
  {
    name: 'list the 100 again',
    rclone: () => ['lsf', '-R', ':fichier:forest'],
    guichet: () => ['tree', '/forest'],
  },
]
