/** A state of a matcher that reads byte by byte; a state that is an end has read a whole text. */
export interface State {
  /**
   * Where a byte leads to; to more than one state where a text holds the mark of an escape itself.
   * The lists are shared between thousands of edges, and so never changed.
   */
  readonly edges: Map<number, readonly State[]>
  isEnd: boolean
}

/** One character of a text to be found: every byte that it may be. */
export type Characters = readonly number[]

/**
 * How texts are written down. Each is a function from the bytes that a character may be to every way to write it,
 * each way being a list of the bytes that may stand at its places.
 */
type Writing = (characters: Characters) => readonly (readonly Characters[])[]

const ASCII = (text: string): Characters => [...Buffer.from(text, 'latin1')]
const BACKSLASH = ASCII('\\')

/** As it is, or escaped for a URL, JSON (also JSON within JSON), source text or HTML; each character in its own way. */
const escaped: Writing = (characters) => [
  [characters],
  ...characters.flatMap((byte) => {
    const hex = hexOf(byte)
    const decimal = [...String(byte)].map(ASCII)
    const unicode = [ASCII('u'), ASCII('0'), ASCII('0'), ...hex]
    return [
      [ASCII('%'), ...hex],
      [BACKSLASH, ...unicode],
      [BACKSLASH, BACKSLASH, ...unicode],
      [BACKSLASH, BACKSLASH, BACKSLASH, ...unicode],
      [BACKSLASH, ASCII('x'), ...hex],
      [...ASCII('&#').map((one) => [one]), ...decimal, ASCII(';')],
      [...ASCII('&#').map((one) => [one]), ASCII('xX'), ...hex, ASCII(';')],
    ]
  }),
]

const hexadecimal: Writing = (characters) => characters.map(hexOf)

const wide: Writing = (characters) => [[characters, [0]]]

/** What finds a text, or any text of a shape, in each of its writings. */
export function machinesFor(text: readonly Characters[]): readonly State[] {
  const machines = [escaped, hexadecimal, wide].map((writing) => build(written(text, writing)))
  return [...machines, ...base64Machines(text)]
}

/** Characters that stand in a text more than once are written down once. */
function written(text: readonly Characters[], writing: Writing): readonly ReturnType<Writing>[] {
  const known = new Map<Characters, ReturnType<Writing>>()
  for (const characters of text) if (!known.has(characters)) known.set(characters, writing(characters))
  return text.map((characters) => known.get(characters) ?? [])
}

/** A text as it stands, in whatever writing. */
export function literal(text: string): readonly Characters[] {
  return [...Buffer.from(text)].map((byte) => [byte])
}

function hexOf(byte: number): readonly Characters[] {
  const digits = byte.toString(16).padStart(2, '0')
  return [...digits].map((digit) => [...new Set(ASCII(digit + digit.toUpperCase()))])
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * The digits of base64 that depend on nothing but the text, for each number of bytes before it (modulo 3).
 * A digit holds bits of one or two characters: what it may be follows from all that these may be.
 */
function base64Machines(text: readonly Characters[]): readonly State[] {
  return [0, 1, 2].map((before) => {
    const digits: Characters[] = []
    const first = Math.ceil((before * 8) / 6)
    const end = Math.floor(((before + text.length) * 8) / 6)
    for (let digit = first; digit < end; digit += 1) {
      const bit = digit * 6 - before * 8
      const one = text[Math.floor(bit / 8)] ?? []
      const shift = bit % 8
      const values = new Set<number>()
      for (const high of one) {
        if (shift <= 2) values.add((high >> (2 - shift)) & 63)
        else
          for (const low of text[Math.floor(bit / 8) + 1] ?? [])
            values.add((((high << 8) | low) >> (10 - shift)) & 63)
      }
      digits.push([...values].flatMap(digitsOf))
    }
    return build(digits.map((characters) => [[characters]]))
  })
}

/** A digit in both alphabets of base64. */
function digitsOf(value: number): Characters {
  const digit = BASE64[value] ?? ''
  return ASCII(digit === '+' ? '+-' : digit === '/' ? '/_' : digit)
}

/** A chain: after each character, in whichever way it was written, comes the next. */
function build(text: readonly (readonly (readonly Characters[])[])[]): State {
  const start = newState()
  let current = start
  for (const ways of text) {
    const next = newState()
    const alone = [next] as const
    const within = new Set<State>()
    for (const way of ways) addWay(current, way, alone, within)
    shareEndings(current, within)
    current = next
  }
  current.isEnd = true
  return start
}

/** Ways of one character that begin alike share their first states. */
function addWay(from: State, way: readonly Characters[], to: readonly [State], within: Set<State>): void {
  const [characters = [], ...rest] = way
  for (const byte of characters) {
    const known = from.edges.get(byte)
    if (rest.length === 0) {
      if (known === undefined) from.edges.set(byte, to)
      else if (!known.includes(to[0])) from.edges.set(byte, [...known, ...to])
      continue
    }
    let next = known?.find((state) => within.has(state))
    if (next === undefined) {
      next = newState()
      within.add(next)
      from.edges.set(byte, [...(known ?? []), next])
    }
    addWay(next, rest, to, within)
  }
}

/** States between two characters that lead on alike become one: nine in ten of them are not needed. */
function shareEndings(from: State, within: ReadonlySet<State>): void {
  const numbers = new Map<State, number>()
  const states = new Map<string, State>()
  const lists = new Map<string, readonly State[]>()
  const numberOf = (state: State): number => {
    const number = numbers.get(state) ?? numbers.size
    numbers.set(state, number)
    return number
  }
  const sharedList = (list: readonly State[]): readonly State[] => {
    const shared = list.map(sharedState)
    const name = shared.map(numberOf).join()
    const known = lists.get(name) ?? shared
    lists.set(name, known)
    return known
  }
  const shareEdges = ({ edges }: State): string => {
    for (const [byte, list] of edges) edges.set(byte, sharedList(list))
    return [...edges].map(([byte, list]) => `${byte}>${list.map(numberOf)}`).join(' ')
  }
  const sharedState = (state: State): State => {
    if (!within.has(state)) return state
    const name = shareEdges(state)
    const known = states.get(name) ?? state
    states.set(name, known)
    return known
  }
  shareEdges(from)
}

function newState(): State {
  return { edges: new Map(), isEnd: false }
}
