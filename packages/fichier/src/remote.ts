import { GatewayError, type RemoteUpload, type RemoteUploads } from '@guichet/core'
import { callApi, type Wire } from './call.ts'
import type { Fields } from './fields.ts'

/** `/v1/remote/*.cgi` (wire.md §10). */
export function remoteCalls(wire: Wire): RemoteUploads {
  return {
    async start(urls, folder, headers, call) {
      if (urls.length === 0) {
        throw new GatewayError('invalid', 'a remote upload needs an address', {
          hint: 'name at least one URL',
        })
      }
      for (const [name, value] of Object.entries(headers)) checkHeader(name, value)
      const reply = await callApi(
        wire,
        'remote/request',
        {
          urls: urls.map((url) => url.href),
          folder_id: folder,
          // An object; the list of strings that one client sends is undocumented (wire.md §15.11).
          headers: Object.keys(headers).length === 0 ? undefined : headers,
        },
        call,
      )
      return reply.count('id')
    },

    async list(call) {
      return (await callApi(wire, 'remote/ls', {}, call)).objects('data').map(remoteOf)
    },

    async info(id, call) {
      const reply = await callApi(wire, 'remote/info', { id }, call)
      return {
        ...remoteOf(reply),
        urls: reply.texts('links'),
        results: reply.objects('result').map((result) => {
          const hasFailed = result.findText('status')?.toUpperCase() === 'KO'
          const link = result.findText('download_link')
          return {
            url: result.text('url'),
            link: hasFailed || link === '' ? undefined : link,
            problem: hasFailed ? (result.findText('message') ?? 'no reason given') : undefined,
          }
        }),
      }
    },
  }
}

function remoteOf(item: Fields): RemoteUpload {
  return {
    id: item.count('id'),
    requestedMs: item.findMoment('request_date'),
    executedMs: item.findMoment('execution_date'),
  }
}

function checkHeader(name: string, value: string): void {
  if (/^[A-Za-z0-9-]{1,100}$/.test(name) && !/\p{Cc}/u.test(value.replaceAll('\t', ' '))) return
  throw new GatewayError('invalid', `1fichier cannot send the header ${JSON.stringify(name.slice(0, 80))}`, {
    hint: 'a name has letters, digits and hyphens only; a value is one line',
  })
}
