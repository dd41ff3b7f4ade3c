import { isIP } from 'node:net'
import { GatewayError } from '@guichet/core'

/** An address that 1fichier may fetch for us: http, https or ftp, of a public name, without credentials for ourselves. */
export function toUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:', 'ftp:'].includes(url.protocol)) {
    throw new GatewayError('invalid', `${JSON.stringify(text.slice(0, 100))} is not an address to fetch`, {
      hint: 'give http://, https:// or ftp:// addresses',
    })
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 || host === 'localhost' || !host.includes('.')) {
    throw new GatewayError('invalid', `${host} is not a public name`, {
      hint: 'give the address by a name of the internet',
    })
  }
  return url
}
