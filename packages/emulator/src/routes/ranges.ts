/** What a Range header asks of a file. `end` is exclusive. */
export type Range =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/** One range is served; several in one header, and what is no range, are answered with the whole file. */
export function parseRange(header: string | undefined, sizeBytes: number): Range {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!parts || (parts[1] === '' && parts[2] === '')) return { kind: 'whole' }
  if (parts[1] === '') {
    const length = Math.min(Number(parts[2]), sizeBytes)
    return length === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'part', start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(parts[1])
  const last = parts[2] === '' ? sizeBytes - 1 : Math.min(Number(parts[2]), sizeBytes - 1)
  if (parts[2] !== '' && Number(parts[2]) < start) return { kind: 'whole' }
  return start >= sizeBytes ? { kind: 'unsatisfiable' } : { kind: 'part', start, end: last + 1 }
}
