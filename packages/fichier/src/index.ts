/** The only code that knows 1fichier's addresses, JSON and words (wire.md). It knows no key and holds no state. */
export { connectFichier, type FichierOptions } from './client.ts'
export { frenchTime, parseFrenchTime } from './french-time.ts'
export { FILE_BYTES_MAX, UPLOAD_BYTES_MAX, UPLOAD_FILES_MAX } from './upload.ts'
