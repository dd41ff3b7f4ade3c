import { GatewayError, type RemoteUpload, ROOT } from '@guichet/core'
import { frenchTime } from '@guichet/fichier'
import { z } from 'zod'
import { list, texts } from '../bounded.ts'
import type { NativeServices, Routes } from './routes.ts'
import { accountReply, folderId } from './shapes.ts'

/** A number, or a short text. */
const setting = z.union([z.number(), z.string().max(100)]).optional()

/** The settings of wire.md §9; anything else in the request is not a setting. */
const settings = z.object({
  ftp_mode: setting,
  ftp_did: setting,
  ftp_report: setting,
  ru_report: setting,
  default_domain: setting,
  page_limit: setting,
  default_port: setting,
  default_port_files: setting,
  use_cdn: setting,
  download_menu: setting,
})

/** An object as documented, or lines of `Name: value` as one client sends them (wire.md §15). */
const headers = texts.or(list(z.string()).transform((lines) => Object.fromEntries(lines.map(splitHeader))))

const name = z.string().min(1).max(250)

/** `/v1/user`, `/v1/remote`, `/v1/ftp` and `/v1/vouchers`. */
export function accountRoutes(
  services: NativeServices,
): Routes<
  | 'user/info'
  | 'remote/request'
  | 'remote/ls'
  | 'remote/info'
  | 'ftp/process'
  | 'ftp/users/ls'
  | 'ftp/users/add'
  | 'ftp/users/rm'
  | 'vouchers/ls'
  | 'vouchers/check'
  | 'vouchers/use'
> {
  return {
    ...userRoutes(services),
    ...remoteRoutes(services),
    ...ftpRoutes(services),
    ...voucherRoutes(services),
  }
}

function userRoutes({ accounts }: NativeServices): Routes<'user/info'> {
  return {
    'user/info': {
      needs: ['account'],
      async run(caller, body) {
        const wished = Object.entries(settings.parse(body)).flatMap(([field, value]) =>
          value === undefined ? [] : [[field, value] as const],
        )
        if (wished.length === 0) {
          return accountReply((await accounts.get(caller)).account, caller.principal.root)
        }
        await accounts.change(caller, Object.fromEntries(wished))
        return { status: 'OK', message: '' }
      },
    },
  }
}

function remoteRoutes(services: NativeServices): Routes<'remote/request' | 'remote/ls' | 'remote/info'> {
  const { remotes } = services
  return {
    'remote/request': {
      needs: ['remote-upload'],
      async run(caller, body) {
        const wish = z
          .object({
            urls: z.array(z.string().max(8_000)).min(1).max(100),
            folder_id: folderId,
            headers: headers.optional(),
          })
          .parse(body)
        const { urls, headers: sent = {} } = wish
        const id = await remotes.start(caller, { urls, to: wish.folder_id ?? ROOT, headers: sent })
        return { status: 'OK', id, date: frenchTime(services.nowMs()), urls, headers: sent }
      },
    },

    'remote/ls': {
      needs: ['remote-upload'],
      async run(caller) {
        const data = (await remotes.list(caller)).map((remote) => ({ id: remote.id, ...datesOf(remote) }))
        return { status: 'OK', data }
      },
    },

    'remote/info': {
      needs: ['remote-upload'],
      async run(caller, body) {
        const { id } = z
          .object({
            id: z
              .number()
              .or(
                z
                  .string()
                  .regex(/^\d{1,15}$/)
                  .transform(Number),
              )
              .pipe(z.int().nonnegative()),
          })
          .parse(body)
        const remote = await remotes.info(caller, id)
        const result = remote.results.map(({ url, link, problem }) =>
          problem === undefined
            ? { status: 'OK', url, download_link: link ?? '', message: '' }
            : { status: 'KO', url, download_link: '', message: problem },
        )
        return { status: 'OK', id, ...datesOf(remote), links: remote.urls, result }
      },
    },
  }
}

function ftpRoutes({
  ftp,
}: NativeServices): Routes<'ftp/process' | 'ftp/users/ls' | 'ftp/users/add' | 'ftp/users/rm'> {
  return {
    'ftp/process': {
      needs: ['ftp'],
      async run(caller) {
        await ftp.process(caller)
        return { status: 'OK', message: '' }
      },
    },

    'ftp/users/ls': {
      needs: ['ftp'],
      run: async (caller) => ({ status: 'OK', data: await ftp.list(caller) }),
    },

    'ftp/users/add': {
      needs: ['ftp'],
      async run(caller, body) {
        const wish = z.object({ user: name, pass: name, folder_id: folderId }).parse(body)
        await ftp.add(caller, { name: wish.user, pass: wish.pass, folder: wish.folder_id })
        return { status: 'OK', message: '' }
      },
    },

    'ftp/users/rm': {
      needs: ['ftp'],
      async run(caller, body) {
        const { user } = z.object({ user: name }).parse(body)
        await ftp.remove(caller, user)
        return { status: 'OK', message: '' }
      },
    },
  }
}

/** Vouchers are money: only the owner has to do with them. */
function voucherRoutes({
  gate,
  host,
}: NativeServices): Routes<'vouchers/ls' | 'vouchers/check' | 'vouchers/use'> {
  return {
    'vouchers/ls': {
      needs: 'owner',
      async run(caller) {
        await gate.permitOwner(caller, 'list vouchers')
        const data = await host(caller, 'interactive').vouchers.list(caller)
        return { status: 'OK', count: data.length, data }
      },
    },

    'vouchers/check': {
      needs: 'owner',
      async run(caller, body) {
        const { voucher } = z.object({ voucher: name }).parse(body)
        await gate.permitOwner(caller, 'check a voucher')
        return { status: 'OK', service: await host(caller, 'interactive').vouchers.check(voucher, caller) }
      },
    },

    'vouchers/use': {
      needs: 'owner',
      async run(caller, body) {
        const wish = z.object({ voucher: name, user_email: z.string().min(3).max(250) }).parse(body)
        await gate.permitOwner(caller, 'use a voucher')
        await host(caller, 'write').vouchers.use(wish.voucher, wish.user_email, caller)
        return { status: 'OK', message: '' }
      },
    },
  }
}

function datesOf({
  requestedMs,
  executedMs,
}: RemoteUpload): Record<'request_date' | 'execution_date', string> {
  return {
    request_date: requestedMs === undefined ? '' : frenchTime(requestedMs),
    execution_date: executedMs === undefined ? '' : frenchTime(executedMs),
  }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon <= 0) throw new GatewayError('invalid', 'a header is not of the form "Name: value"')
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}
