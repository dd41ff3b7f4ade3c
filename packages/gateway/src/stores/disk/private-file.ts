import { open, rename } from 'node:fs/promises'
import path from 'node:path'

/** Writes a file that only its owner can read: whole and on disk when it resolves, or not at all. */
export async function writePrivately(file: string, text: string): Promise<void> {
  const draft = `${file}.new`
  {
    await using handle = await open(draft, 'w', 0o600)
    await handle.writeFile(text)
    await handle.sync()
  }
  await rename(draft, file)
  await using directory = await open(path.dirname(file), 'r')
  await directory.sync()
}
