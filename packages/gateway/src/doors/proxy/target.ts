import { isIPv4, isIPv6 } from 'node:net'
import { GatewayError } from '@guichet/core'

/** Where a tunnel is to lead: a lower-case host name, or an IP address without brackets. */
export interface Target {
  readonly host: string
  readonly kind: 'name' | 'address'
  readonly port: number
}

/**
 * Takes `host:port` apart, and nothing else: no scheme, no user, no path, no missing port, no trailing dot, and no
 * address in a notation other than the usual one, since resolvers read `0x7f.1` and `2130706433` as 127.0.0.1.
 */
export function parseTarget(text: string): Target {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([1-9][0-9]{0,4})$/.exec(text)
  if (match === null) throw malformed(text)
  const [, v6, name = '', digits = ''] = match
  const port = Number(digits)
  if (port > 65_535) throw malformed(text)
  if (v6 !== undefined) {
    if (!isIPv6(v6)) throw malformed(text)
    return { host: v6.toLowerCase(), kind: 'address', port }
  }
  if (isIPv4(name)) return { host: name, kind: 'address', port }
  const labels = name.toLowerCase().split('.')
  if (labels.some((label) => !isLabel(label)) || isNumber(labels.at(-1) ?? '')) throw malformed(text)
  return { host: labels.join('.'), kind: 'name', port }
}

/** The host of a `Host` header with an optional port; `undefined` where it is none. */
export function hostOfHeader(
  header: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?$/.exec(header)
  if (match === null) return undefined
  const [, host = '', port] = match
  return { host: host.toLowerCase(), port: port === undefined ? undefined : Number(port) }
}

function isLabel(label: string): boolean {
  return label.length <= 63 && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label)
}

/** A name whose last label is a number is an IPv4 address in disguise (WHATWG URL, "ends in a number"). */
function isNumber(label: string): boolean {
  return /^(?:[0-9]+|0x[0-9a-f]*)$/.test(label)
}

/** Says what was sent, but not what stood before an `@`: that could be a password. */
function malformed(sent: string): GatewayError {
  const text = sent.replace(/^.*@/s, '…@')
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
  return new GatewayError('invalid', `${shown} is not a place to tunnel to`, {
    hint: 'CONNECT takes host:port, with the usual notation for IP addresses and brackets around IPv6',
  })
}
