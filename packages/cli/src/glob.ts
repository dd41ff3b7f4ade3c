/**
 * Does a name match a pattern of `*` (anything), `?` (one character), `[abc]`, `[a-z]`, `[!a]`?
 * All else stands for itself. Linear: no pattern can make it slow.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const tokens = parseTokens(pattern)
  const letters = [...name]
  let at = 0
  let token = 0
  let starToken = -1
  let starAt = 0
  while (at < letters.length) {
    const current = tokens[token]
    if (current === 'any') {
      starToken = token
      starAt = at
      token += 1
    } else if (current?.(letters[at] ?? '') === true) {
      token += 1
      at += 1
    } else if (starToken >= 0) {
      starAt += 1
      at = starAt
      token = starToken + 1
    } else {
      return false
    }
  }
  return tokens.slice(token).every((rest) => rest === 'any')
}

type Token = 'any' | ((letter: string) => boolean)

function parseTokens(pattern: string): readonly Token[] {
  const tokens: Token[] = []
  const letters = [...pattern]
  for (let index = 0; index < letters.length; index += 1) {
    const letter = letters[index] ?? ''
    if (letter === '*') {
      tokens.push('any')
    } else if (letter === '?') {
      tokens.push(() => true)
    } else {
      const end = letter === '[' ? letters.indexOf(']', index + 2) : -1
      if (end > 0) {
        tokens.push(parseSet(letters.slice(index + 1, end)))
        index = end
      } else {
        tokens.push((other) => other === letter)
      }
    }
  }
  return tokens
}

function parseSet(letters: readonly string[]): (letter: string) => boolean {
  const isNegated = letters[0] === '!' || letters[0] === '^'
  const rest = isNegated ? letters.slice(1) : letters
  const ranges: [string, string][] = []
  for (let index = 0; index < rest.length; index += 1) {
    const from = rest[index] ?? ''
    const to = rest[index + 1] === '-' ? rest[index + 2] : undefined
    ranges.push([from, to ?? from])
    if (to !== undefined) index += 2
  }
  return (letter) => ranges.some(([from, to]) => letter >= from && letter <= to) !== isNegated
}
