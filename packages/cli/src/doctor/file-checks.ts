import { dirname, join } from 'node:path'
import type { Check, Weakness } from './checks.ts'
import { type DoctorFacts, type FileFact, known } from './facts.ts'
import { quoted } from './key-checks.ts'

const WRITABLE = 0o022
const OTHERS = 0o077

export const FILE_CHECKS: readonly Check[] = [
  {
    id: 'home',
    group: 'files',
    looksAt: 'the home',
    look: ({ files, home }) =>
      files.length > 0
        ? []
        : [
            {
              severity: 'weak',
              text: `there is no home at ${home}`,
              mend: 'guichet init, or guichet adopt where a tool has the API key already',
            },
          ],
  },
  {
    id: 'open-adoption',
    group: 'files',
    looksAt: 'copies that an adoption has left',
    look: (facts) =>
      ours(facts)
        ?.filter(({ path }) => path === join(facts.home, 'adopt', 'journal.json'))
        .map(({ path }) => ({
          severity: 'weak',
          text: `${dirname(path)} has copies of files with the API key, until the adoption is confirmed`,
          mend: 'guichet adopt --confirm, or guichet adopt --undo',
        })),
  },
  {
    id: 'file-modes',
    group: 'files',
    looksAt: 'who may read and write the files of the home',
    look: (facts) => ours(facts)?.flatMap((file) => modeOf(file) ?? []),
  },
  {
    id: 'file-owners',
    group: 'files',
    looksAt: 'whose the files of the home are',
    look(facts) {
      const { uid } = facts
      if (uid === undefined) return undefined
      return ours(facts)
        ?.filter((file) => file.uid !== uid)
        .map(({ path, uid: owner }) => ({
          severity: 'serious',
          text: `${path} belongs to another user (${owner}), and guichet runs as ${uid}`,
          mend: `chown ${uid} ${quoted(path)}`,
        }))
    },
  },
  {
    id: 'links',
    group: 'files',
    looksAt: 'symbolic links in the home',
    look: (facts) =>
      ours(facts)
        ?.filter(({ kind }) => kind === 'link')
        .map(({ path }) => ({
          severity: 'weak',
          text: `${path} is a symbolic link: whoever can change where it leads changes what guichet uses`,
          mend: `put the file itself at ${quoted(path)}`,
        })),
  },
  {
    id: 'unlock-file-beside-vault',
    group: 'files',
    looksAt: 'where the unlock file is',
    look({ config, home }) {
      const unlock = known(config)?.unlock
      if (unlock === undefined) return undefined
      if (unlock.kind !== 'file' || !isWithin(unlock.path, home)) return []
      return [
        {
          severity: 'weak',
          text: `the unlock file ${unlock.path} is in the home: a copy of the home opens its own vault`,
          mend: `mv ${quoted(unlock.path)} ${quoted(`${home}-unlock`)}, then name it so in ${quoted(`${home}/config.json`)}`,
        },
      ]
    },
  },
]

function ours({ files }: DoctorFacts): readonly FileFact[] | undefined {
  return files.length === 0 ? undefined : files
}

function modeOf({ path, kind, mode, role }: FileFact): Weakness | undefined {
  if (kind === 'link') return undefined // Its own mode says nothing.
  const bits = (mode & 0o777).toString(8).padStart(3, '0')
  const mend = `chmod ${kind === 'folder' ? '700' : role === 'public' ? '644' : '600'} ${quoted(path)}`
  if ((mode & WRITABLE) !== 0)
    return { severity: 'serious', text: `${path} can be changed by other users (mode ${bits})`, mend }
  if (role === 'public' || (mode & OTHERS) === 0) return undefined
  const severity = role === 'secret' || role === 'unlock' ? 'serious' : 'weak'
  return {
    severity,
    text: `${path} can be ${kind === 'folder' ? 'entered' : 'read'} by other users (mode ${bits})`,
    mend,
  }
}

function isWithin(path: string, folder: string): boolean {
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    if (above === folder) return true
  }
  return false
}
