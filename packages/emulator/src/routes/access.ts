import { BlockList, isIPv6 } from 'node:net'
import type { Service } from '../service.ts'
import type { Acl, FileRecord } from '../state/records.ts'
import { Refusal } from '../transport/reply.ts'

/** The file when it exists and may be read by the account from this address; otherwise the refusal of wire.md §4.2. */
export function accessToFile(
  service: Service,
  file: FileRecord | undefined,
  pass: string | undefined,
  ip: string,
): FileRecord {
  if (!file) throw new Refusal('Resource not found #469', 404)
  // The owner, and whoever a folder is shared with, pass without password and ACL (wire.md §5.5).
  if (service.account.owns(file)) return file
  if (file.acl && !allows(service, file.acl, ip)) throw new Refusal('Resource not allowed #631', 403)
  if (file.pass !== '' && pass === undefined) {
    throw new Refusal('Password not provided. Resource not allowed #631', 403)
  }
  if (file.pass !== '' && pass !== file.pass)
    throw new Refusal('Invalid password. Resource not allowed #631', 403)
  return file
}

/** Every kind of restriction that is given must be met. */
function allows({ account }: Service, acl: Acl, ip: string): boolean {
  const { email, country, offer } = account.identity
  if (acl.email.length > 0 && !acl.email.includes(email)) return false
  if (acl.country.length > 0 && !acl.country.includes(country)) return false
  if (acl.premium === 1 && offer === 0) return false
  return acl.ip.length === 0 || acl.ip.some((range) => isWithin(range, ip))
}

function isWithin(range: string, ip: string): boolean {
  const [network = '', prefix] = range.split('/')
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}
