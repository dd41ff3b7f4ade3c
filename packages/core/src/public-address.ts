/** A block of addresses: its first bytes, and how many bits of them count. */
interface Block {
  readonly bytes: readonly number[]
  readonly bits: number
}

/**
 * True for an address on the public internet that may be connected to for somebody else.
 * False for everything that leads to this machine, its networks or its provider, and for what is no address.
 *
 * After IANA's special-purpose registries of both families. In IPv6 only global unicast (2000::/3) can be public;
 * addresses that carry an IPv4 address in them (mapped, 6to4, NAT64) are as public as the one inside.
 */
export function isPublicAddress(address: string): boolean {
  const v4 = parseV4(address)
  if (v4 !== undefined) return isPublicV4(v4)
  const bytes = parseV6(address)
  if (bytes === undefined) return false
  const inner = embeddedV4(bytes)
  if (inner !== undefined) return isPublicV4(inner)
  return isIn(bytes, GLOBAL_UNICAST) && !SPECIAL_V6.some((block) => isIn(bytes, block))
}

const SPECIAL_V4: readonly Block[] = [
  /** This network, and the unspecified address. */
  { bytes: [0], bits: 8 },
  { bytes: [10], bits: 8 },
  /** Shared by carriers for NAT, and used by some clouds for their own services. */
  { bytes: [100, 64], bits: 10 },
  { bytes: [127], bits: 8 },
  /** Link-local, with the metadata services of clouds. */
  { bytes: [169, 254], bits: 16 },
  /** The host service that answers inside a cloud at a public-looking address. */
  { bytes: [168, 63, 129, 16], bits: 32 },
  { bytes: [172, 16], bits: 12 },
  { bytes: [192, 0, 0], bits: 24 },
  { bytes: [192, 0, 2], bits: 24 },
  { bytes: [192, 88, 99], bits: 24 },
  { bytes: [192, 168], bits: 16 },
  { bytes: [198, 18], bits: 15 },
  { bytes: [198, 51, 100], bits: 24 },
  { bytes: [203, 0, 113], bits: 24 },
  /** Multicast. */
  { bytes: [224], bits: 4 },
  /** Reserved, and broadcast. */
  { bytes: [240], bits: 4 },
]

const GLOBAL_UNICAST: Block = { bytes: [0x20], bits: 3 }

const SPECIAL_V6: readonly Block[] = [
  /** Protocol assignments: Teredo, benchmarking, ORCHID. */
  { bytes: [0x20, 0x01, 0x00], bits: 23 },
  /** Documentation. */
  { bytes: [0x20, 0x01, 0x0d, 0xb8], bits: 32 },
  { bytes: [0x3f, 0xff, 0x00], bits: 20 },
]

/** Prefixes followed by an IPv4 address: mapped, NAT64 (RFC 6052), 6to4. */
const CARRIERS: readonly Block[] = [
  { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], bits: 96 },
  { bytes: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], bits: 96 },
  { bytes: [0x20, 0x02], bits: 16 },
]

function isPublicV4(bytes: readonly number[]): boolean {
  return !SPECIAL_V4.some((block) => isIn(bytes, block))
}

function embeddedV4(bytes: readonly number[]): readonly number[] | undefined {
  const carrier = CARRIERS.find((block) => isIn(bytes, block))
  return carrier === undefined ? undefined : bytes.slice(carrier.bits / 8, carrier.bits / 8 + 4)
}

function isIn(bytes: readonly number[], block: Block): boolean {
  return block.bytes.every((expected, index) => {
    const bits = Math.min(8, Math.max(0, block.bits - index * 8))
    const mask = (0xff << (8 - bits)) & 0xff
    return ((bytes[index] ?? 0) & mask) === (expected & mask)
  })
}

/** The four bytes of an IPv4 address in the usual notation; resolvers know others, which count as none. */
function parseV4(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  const isUsual = parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part))
  const bytes = parts.map(Number)
  return isUsual && bytes.every((byte) => byte <= 255) ? bytes : undefined
}

/** The 16 bytes of an IPv6 address; an address with a zone belongs to one link, and counts as none. */
function parseV6(text: string): readonly number[] | undefined {
  const [head = '', tail, ...rest] = text.split('::')
  if (rest.length > 0) return undefined
  const first = groupsOf(head, tail === undefined)
  const last = tail === undefined ? [] : groupsOf(tail, true)
  if (first === undefined || last === undefined) return undefined
  const missing = 16 - first.length - last.length
  // A double colon stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...first, ...Array.from({ length: missing }, () => 0), ...last]
}

/** The bytes of groups of up to four hexadecimal digits; the last of an address may be an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    const v4 = isEnd && index === groups.length - 1 ? parseV4(group) : undefined
    if (v4 === undefined && !/^[0-9a-f]{1,4}$/i.test(group)) return undefined
    const value = Number.parseInt(group, 16)
    bytes.push(...(v4 ?? [value >> 8, value & 0xff]))
  }
  return bytes
}
