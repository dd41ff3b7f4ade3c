import { isIP } from 'node:net'
import { GatewayError, isUpstreamHost } from '@guichet/core'

/** Names that lead nowhere, or into the network of whoever resolves them (RFC 6761, 6762, 8375). */
const INNER =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa|invalid|test|example|onion)$/

/**
 * An address that 1fichier may fetch for us: http, https or ftp, of a public name.
 * Not one of 1fichier's own: by fetching its links a confined key would bring in what is outside its root.
 */
export function toUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:', 'ftp:'].includes(url.protocol)) {
    throw new GatewayError('invalid', `${JSON.stringify(text.slice(0, 100))} is not an address to fetch`, {
      hint: 'give http://, https:// or ftp:// addresses',
    })
  }
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(host) !== 0 || !host.includes('.') || INNER.test(host)) {
    throw new GatewayError('invalid', `${host} is not a public name`, {
      hint: 'give the address by a name of the internet',
    })
  }
  if (isUpstreamHost(host)) {
    throw new GatewayError('invalid', `${host} is 1fichier itself`, {
      hint: 'copy the file into the account instead: file/cp.cgi, or `guichet cp`',
    })
  }
  return url
}
