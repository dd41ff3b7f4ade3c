import type { Emulator } from '../emulator.ts'
import type { FaultKind } from '../faults/faults.ts'
import type { EmulatorOptions } from '../options.ts'
import { call, directUrl, report, upload } from './client.ts'

/** What must be so for an exchange of `wire/exchanges` to take place. */
export interface Case {
  readonly options?: EmulatorOptions
  /** Gives the names that things of the written request have here. */
  readonly arrange?: (emulator: Emulator) => Promise<Readonly<Record<string, string | number>>>
  /** Changes the body that is sent. */
  readonly mangle?: (body: string) => string
  /** Fields that must not be in the answer. */
  readonly absent?: readonly string[]
  /** Fields that may be absent in success (wire.md §7.2). */
  readonly optional?: readonly string[]
  /** What the body must be, where it cannot be as it is written. */
  readonly words?: RegExp
}

export const HELLO: Buffer = Buffer.from('Hello world\n')
export const FILE = '2zk52quqlm0cbjr93ri5'
export const OTHER = 'ab34cd56ef78gh90ij12'
export const EICAR: string = [
  'X5O!P%@AP[4',
  '\\PZX54(P^)7CC)7}$EICAR-STANDARD',
  '-ANTIVIRUS-TEST-FILE!$H+H*',
].join('')
const VOUCHER = { voucher: '0123456789abcdef0123456789abcdef', service: 'Premium 30 days' }

/** Two files in a folder, and folders under the ids of the written request. */
export function inFolder(path: string, ids: Readonly<Record<number, string>>, attributes?: object): Case {
  return {
    arrange: async (emulator) => {
      const { account } = emulator
      const one = await account.putFile(`${path}/test.txt`, HELLO)
      const two = await account.putFile(`${path}/b.txt`, HELLO)
      if (attributes) await call(emulator, 'file/chattr', { urls: [one.link], ...attributes })
      const folderNames = Object.entries(ids).map(([id, name]) => [`"folder_id":${id}`, name] as const)
      return {
        [FILE]: idOf(one.link),
        [OTHER]: idOf(two.link),
        ...Object.fromEntries(
          folderNames.map(([written, name]) => [written, `"folder_id":${account.mkdir(name)}`]),
        ),
        '"destination_folder_id":1234': `"destination_folder_id":${account.mkdir('/target')}`,
      }
    },
  }
}

export function fault(at: string, kind: FaultKind): Case {
  return {
    arrange: async (emulator) => {
      emulator.fault({ at, ...kind })
      return {}
    },
  }
}

export function existing(): Case {
  return {
    arrange: async ({ account }) => {
      account.mkdir('/x')
      return {}
    },
  }
}

export function withFtpUser(): Case {
  return {
    arrange: async (emulator) => {
      await call(emulator, 'ftp/users/add', { user: 'scanner', pass: 'secret pass' })
      return {}
    },
  }
}

export function withVoucher(): Case {
  return {
    arrange: async ({ account }) => {
      account.addVoucher(VOUCHER)
      return {}
    },
  }
}

export async function theirs(
  emulator: Emulator,
  rights: Parameters<typeof foreign>[1],
): Promise<Record<string, string>> {
  return { [FILE]: idOf(await foreign(emulator, rights)) }
}

export async function foreign(
  emulator: Emulator,
  rights: Pick<Parameters<Emulator['account']['putForeign']>[0], 'pass' | 'acl'>,
): Promise<string> {
  return await emulator.account.putForeign({ name: 'theirs.txt', bytes: HELLO, ...rights })
}

export async function direct(emulator: Emulator): Promise<Record<string, string>> {
  const { link } = await emulator.account.putFile('/test.txt', HELLO)
  const url = new URL(await directUrl(emulator, link))
  return { 'a-4.1fichier.com': url.host, p1058755667: url.pathname.slice(1) }
}

export async function sent(emulator: Emulator): Promise<Record<string, string>> {
  const { node, answer } = await upload(emulator, [{ name: 'file[]', filename: 'test.txt', content: HELLO }])
  await report(emulator, node, answer)
  return {
    'up3.1fichier.com': new URL(node).host,
    AbCdEfGhIj: answer.headers.location?.split('xid=')[1] ?? '',
  }
}

export function linkTo(id: string): string {
  return `https://1fichier.com/?${id}`
}

export function idOf(link: string): string {
  return link.split('?')[1] ?? ''
}
