/**
 * The value of a JSON text, or `undefined`.
 *
 * 1fichier's own escaping of odd names may be broken: a backslash in a name made another client's parser fail
 * (wire.md §4.10). A text that fails is read once more with stray backslashes and raw control characters escaped,
 * so that one such name does not hide a whole folder.
 */
export function mendJson(text: string): unknown {
  return parse(text) ?? parse(mend(text))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is an answer here, not a failure: the caller asks what else the text may be.
    return undefined
  }
}

function mend(text: string): string {
  let isString = false
  return text.replace(/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|["\\]|\p{Cc}/gu, (found) => {
    if (found === '"') isString = !isString
    if (found === '"' || found.length > 1) return found
    if (found === '\\') return '\\\\'
    // Between strings a line break is no content.
    return isString ? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}` : found
  })
}
