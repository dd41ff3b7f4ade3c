import { BlockList, isIP, SocketAddress } from 'node:net'
import { GatewayError } from '@guichet/core'

/** `192.168.1.0/24`, `2001:db8::/32`, or one address. IPv4 inside IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
interface Block {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  readonly bits: number
}

/** An address in its one form; `undefined` for what is none. A zone (`%eth0`) says nothing about who it is. */
export function plainAddress(text: string): string | undefined {
  const [bare = ''] = text.split('%')
  const family = isIP(bare)
  if (family === 0) return undefined
  if (family === 4) return bare
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' })
  return MAPPED.exec(address)?.[1] ?? address
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const MAPPED_BITS = 96

/** Is an address in one of these blocks? An address that is not known is in none. */
export function isIn(address: string | undefined, blocks: readonly string[]): boolean {
  if (address === undefined) return false
  const list = new BlockList()
  for (const text of blocks) {
    const block = parseBlock(text)
    list.addSubnet(block.address, block.bits, block.family)
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Rejects with `invalid` and names all that is no block of addresses. */
export function requireBlocks(blocks: readonly string[]): void {
  const wrong = blocks.filter((text) => blockOf(text) === undefined)
  if (wrong.length === 0) return
  const told = wrong.map((text) => JSON.stringify(text.slice(0, 60))).join(', ')
  throw new GatewayError('invalid', `not an address or a block of addresses: ${told}`, {
    hint: 'write them as in 192.168.1.0/24 or 2001:db8::1, with commas between them',
  })
}

function parseBlock(text: string): Block {
  const block = blockOf(text)
  if (block !== undefined) return block
  throw new GatewayError('internal', `${JSON.stringify(text)} is no block of addresses`)
}

function blockOf(text: string): Block | undefined {
  const [, bare = '', length] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = plainAddress(bare)
  if (address === undefined) return undefined
  const widest = isIP(bare) === 4 ? 32 : 128
  const given = length === undefined ? widest : Number(length)
  if (given > widest) return undefined
  if (isIP(address) === 6) return { address, family: 'ipv6', bits: given }
  // The block of an IPv4 address that was written as IPv6 is one of IPv4, unless it is wider than all of IPv4.
  const bits = widest === 32 ? given : given - MAPPED_BITS
  return bits < 0 ? undefined : { address, family: 'ipv4', bits }
}
