import { type AccountChanges, GatewayError, ROOT } from '@guichet/core'
import { frenchTime } from '@guichet/fichier'
import { z } from 'zod'
import { toUrl } from '../../services/remote-url.ts'
import type { NativeServices, Route } from './routes.ts'
import { accountReply, folderId } from './shapes.ts'

/** The settings of wire.md §9; anything else in the request is not a setting. */
const SETTINGS = [
  'ftp_mode',
  'ftp_did',
  'ftp_report',
  'ru_report',
  'default_domain',
  'page_limit',
  'default_port',
  'default_port_files',
  'use_cdn',
  'download_menu',
]

const headers = z
  .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(4_000))
  .or(z.array(z.string()).transform((lines) => Object.fromEntries(lines.map(splitHeader))))

/** `/v1/user`, `/v1/remote`, `/v1/ftp` and `/v1/vouchers`. */
export function accountRoutes(services: NativeServices): Readonly<Record<string, Route>> {
  const { accounts, catalogue, gate, host } = services

  return {
    'user/info': async (caller, body) => {
      const changes: AccountChanges = Object.fromEntries(
        Object.entries(body).filter(
          ([name, value]) => SETTINGS.includes(name) && ['number', 'string'].includes(typeof value),
        ),
      )
      if (Object.keys(changes).length > 0) {
        await accounts.change(caller, changes)
        return { status: 'OK', message: '' }
      }
      return accountReply((await accounts.get(caller)).account)
    },

    'remote/request': async (caller, body) => {
      const wish = z
        .object({
          urls: z.array(z.string()).min(1).max(100),
          folder_id: folderId,
          headers: headers.optional(),
        })
        .parse(body)
      const to = wish.folder_id ?? ROOT
      await gate.permit(caller, 'remote-upload', await catalogue.pathOf(to))
      await catalogue.requireInside(caller, to)
      const id = await host(caller, 'write').remote.start(
        wish.urls.map(toUrl),
        to,
        wish.headers ?? {},
        caller,
      )
      return {
        status: 'OK',
        id,
        date: frenchTime(services.nowMs()),
        urls: wish.urls,
        headers: wish.headers ?? {},
      }
    },

    'remote/ls': async (caller) => {
      await gate.permit(caller, 'remote-upload', 'list')
      const remotes = await host(caller, 'interactive').remote.list(caller)
      const data = remotes.map((remote) => ({
        id: remote.id,
        request_date: frenchTime(remote.requestedMs ?? 0),
        execution_date: remote.executedMs === undefined ? '' : frenchTime(remote.executedMs),
      }))
      return { status: 'OK', data }
    },

    'remote/info': async (caller, body) => {
      const { id } = z.object({ id: z.coerce.number().int().nonnegative() }).parse(body)
      await gate.permit(caller, 'remote-upload', `request ${id}`)
      const remote = await host(caller, 'interactive').remote.info(id, caller)
      const result = remote.results.map(({ url, link, problem }) =>
        problem === undefined
          ? { status: 'OK', url, download_link: link ?? '', message: '' }
          : { status: 'KO', url, download_link: '', message: problem },
      )
      return {
        status: 'OK',
        id,
        request_date: frenchTime(remote.requestedMs ?? 0),
        execution_date: remote.executedMs === undefined ? '' : frenchTime(remote.executedMs),
        links: remote.urls,
        result,
      }
    },

    'ftp/process': async (caller) => {
      await gate.permit(caller, 'ftp', 'process')
      await host(caller, 'write').ftp.process(caller)
      return { status: 'OK', message: '' }
    },

    'ftp/users/ls': async (caller) => {
      await gate.permit(caller, 'ftp', 'list users')
      return { status: 'OK', data: await host(caller, 'interactive').ftp.list(caller) }
    },

    'ftp/users/add': async (caller, body) => {
      const wish = z
        .object({ user: z.string().min(1), pass: z.string().min(1), folder_id: folderId })
        .parse(body)
      await gate.permit(caller, 'ftp', `add user ${wish.user}`)
      if (caller.principal.root !== ROOT) await catalogue.requireInside(caller, wish.folder_id ?? ROOT)
      const folder = wish.folder_id === undefined ? {} : { folder: wish.folder_id }
      await host(caller, 'write').ftp.add({ name: wish.user, pass: wish.pass, ...folder }, caller)
      return { status: 'OK', message: '' }
    },

    'ftp/users/rm': async (caller, body) => {
      const { user } = z.object({ user: z.string().min(1) }).parse(body)
      await gate.permit(caller, 'ftp', `remove user ${user}`)
      await host(caller, 'write').ftp.remove(user, caller)
      return { status: 'OK', message: '' }
    },

    'vouchers/ls': async (caller) => {
      await gate.permitOwner(caller, 'list vouchers')
      const data = await host(caller, 'interactive').vouchers.list(caller)
      return { status: 'OK', count: data.length, data }
    },

    'vouchers/check': async (caller, body) => {
      const { voucher } = z.object({ voucher: z.string().min(1) }).parse(body)
      await gate.permitOwner(caller, 'check a voucher')
      return { status: 'OK', service: await host(caller, 'interactive').vouchers.check(voucher, caller) }
    },

    'vouchers/use': async (caller, body) => {
      const wish = z.object({ voucher: z.string().min(1), user_email: z.string().min(3) }).parse(body)
      await gate.permitOwner(caller, 'use a voucher')
      await host(caller, 'write').vouchers.use(wish.voucher, wish.user_email, caller)
      return { status: 'OK', message: '' }
    },
  }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon <= 0) throw new GatewayError('invalid', 'a header is not of the form "Name: value"')
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}
