import { scanContent, tooLarge } from './files.ts'
import { git, gitText } from './git.ts'
import type { Scanned, ScanOptions } from './scanned.ts'

/** An object of a repository, and where it stood. */
interface GitObject {
  readonly id: string
  readonly path: string
}

/**
 * Every content that a repository has ever had and still keeps, each once: of all branches, tags and stashes, of what
 * only the reflog knows, and of what no name leads to any more; the texts of commits and tags too.
 */
export async function* scanHistory(folder: string, options: ScanOptions): AsyncGenerator<Scanned> {
  const { signal } = options
  const root = (await gitText(folder, ['rev-parse', '--absolute-git-dir'], signal)).trim()
  const paths = await pathsOf(folder, signal)
  const objects = async function* (): AsyncGenerator<GitObject> {
    const format = '--batch-check=%(objectname) %(objecttype)'
    for await (const line of lines(
      git(folder, ['cat-file', '--batch-all-objects', '--unordered', format], { signal }),
    )) {
      const [id = '', type = ''] = line.split(' ')
      if (type !== 'tree')
        yield {
          id,
          path:
            paths.get(id) || (type === 'blob' ? `${root}#${id.slice(0, 12)}` : `${type} ${id.slice(0, 12)}`),
        }
    }
  }
  for await (const scanned of scanObjects(folder, objects(), options)) {
    if (scanned.kind !== 'found') yield scanned
    else yield { ...scanned, ...(await commitOf(folder, scanned.id, signal)), kind: 'found' }
  }
}

/** What is about to be committed: the whole content of each file that changed. */
export async function* scanStaged(folder: string, options: ScanOptions): AsyncGenerator<Scanned> {
  const { signal } = options
  // Outside of a repository `git diff` compares any two files instead.
  await gitText(folder, ['rev-parse', '--git-dir'], signal)
  const raw = await gitText(
    folder,
    ['diff', '--cached', '--raw', '-z', '--no-abbrev', '--no-renames', '--diff-filter=AMCT'],
    signal,
  )
  const objects: GitObject[] = []
  const words = raw.split('\0')
  for (let index = 0; index + 1 < words.length; index += 2) {
    const [, mode = '', , id = ''] = (words[index] ?? '').split(' ')
    // A submodule is a commit of another repository.
    if (mode !== '160000') objects.push({ id, path: words[index + 1] ?? '' })
  }
  for await (const scanned of scanObjects(folder, objects, options)) yield scanned
}

type FoundObject = Scanned & { readonly id: string }

/** One git for all of them. */
async function* scanObjects(
  folder: string,
  objects: AsyncIterable<GitObject> | Iterable<GitObject>,
  { maxBytes, signal }: ScanOptions,
): AsyncGenerator<FoundObject> {
  const asked: GitObject[] = []
  const input = async function* (): AsyncGenerator<string> {
    for await (const object of objects) {
      asked.push(object)
      yield `${object.id}\n`
    }
  }
  // Sizes first: what is too large is not even read.
  const sized: (GitObject & { readonly size: number })[] = []
  const check = git(folder, ['cat-file', '--batch-check'], { input: input(), signal })
  for await (const line of lines(check)) {
    const object = asked[sized.length]
    if (object !== undefined) sized.push({ ...object, size: Number(line.split(' ')[2] ?? 0) })
  }
  const wanted = sized.filter(({ size }) => size <= maxBytes)
  for (const { id, path, size } of sized) if (size > maxBytes) yield { ...tooLarge(path, size, maxBytes), id }
  let index = 0
  const contents = git(folder, ['cat-file', '--batch'], { input: wanted.map(({ id }) => `${id}\n`), signal })
  for await (const content of batched(contents)) {
    const object = wanted[index]
    index += 1
    if (object === undefined) return
    for (const scanned of scanContent(object.path, content, maxBytes)) yield { ...scanned, id: object.id }
  }
}

/** The contents in the output of `git cat-file --batch`: a line with the size, the content, a line break. */
async function* batched(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let length = 0
  let needed = 0
  for await (const piece of pieces) {
    waiting.push(piece)
    length += piece.length
    if (length < needed) continue
    let bytes = Buffer.concat(waiting)
    for (;;) {
      const newline = bytes.indexOf(0x0a)
      if (newline < 0) break
      const size = Number(bytes.subarray(0, newline).toString().split(' ')[2] ?? 0)
      needed = newline + 1 + size + 1
      if (bytes.length < needed) break
      yield bytes.subarray(newline + 1, newline + 1 + size)
      bytes = bytes.subarray(needed)
      needed = 0
    }
    waiting = [bytes]
    length = bytes.length
  }
}

/** The path of each object that a commit leads to; of several the first. */
async function pathsOf(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  const listed = git(folder, ['rev-list', '--objects', '--all', '--reflog'], { signal })
  for await (const line of lines(listed)) {
    const space = line.indexOf(' ')
    const id = space < 0 ? line : line.slice(0, space)
    if (space >= 0 && !paths.has(id)) paths.set(id, line.slice(space + 1))
  }
  return paths
}

/** The oldest commit that brought an object. */
async function commitOf(
  folder: string,
  id: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly commit?: string }> {
  const commits = await gitText(
    folder,
    ['log', '--all', '--reflog', '--format=%h', `--find-object=${id}`],
    signal,
  )
  const commit = commits.trim().split('\n').at(-1)
  return commit === undefined || commit === '' ? {} : { commit }
}

async function* lines(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const all = (rest + piece.toString('utf8')).split('\n')
    rest = all.pop() ?? ''
    yield* all
  }
  if (rest !== '') yield rest
}
