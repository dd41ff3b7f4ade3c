import { BlockList, isIPv4 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** The interfaces of this machine, as `os.networkInterfaces` gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/**
 * Is this an address of this machine, or of a network it is connected to?
 *
 * Those need not be private ones: every device of a home has a public IPv6 address, which the router's firewall keeps
 * from the internet but not from us, and a rented server has its public address on its own interface.
 */
export function isOwnAddress(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
  const own = new BlockList()
  for (const { cidr, family } of Object.values(interfaces).flatMap((list) => list ?? [])) {
    const [network, bits] = cidr?.split('/') ?? []
    // A network of everything is a tunnel to the internet, and not a place of ours.
    if (network !== undefined && Number(bits) > 0)
      own.addSubnet(network, Number(bits), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return own.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}
