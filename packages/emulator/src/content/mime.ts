/** The MIME type the service would guess from a name (wire.md §6.2: `text/plain` for test.txt). */
export function guessMimeType(name: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return MIME_TYPES.get(extension) ?? 'application/octet-stream'
}

const MIME_TYPES: ReadonlyMap<string, string> = new Map([
  ['avi', 'video/x-msvideo'],
  ['flac', 'audio/flac'],
  ['gif', 'image/gif'],
  ['gz', 'application/gzip'],
  ['html', 'text/html'],
  ['jpeg', 'image/jpeg'],
  ['jpg', 'image/jpeg'],
  ['json', 'application/json'],
  ['mkv', 'video/x-matroska'],
  ['mp3', 'audio/mpeg'],
  ['mp4', 'video/mp4'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['rar', 'application/x-rar'],
  ['srt', 'application/x-subrip'],
  ['tar', 'application/x-tar'],
  ['txt', 'text/plain'],
  ['webm', 'video/webm'],
  ['zip', 'application/zip'],
])
