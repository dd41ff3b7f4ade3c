/** So much content passes between two collections. */
const BYTES_BETWEEN = 4 * 1024 * 1024

/**
 * Is told of every piece of content that passes, and lets V8 collect what is young now and then.
 *
 * V8 by itself waits until 32 MB of buffers are young. Many are old by then, and old buffers make it go through the
 * whole heap: once for each 13 MB of content, which costs 2 to 3 s of CPU time for each GB, and the memory
 * ("Collections" in bench/README.md).
 * Without `--expose-gc`, which the launcher gives, nothing is done.
 */
export function sweepContent(collect: NodeJS.GCFunction | undefined): (lengthBytes: number) => void {
  let passedBytes = 0
  return (lengthBytes) => {
    passedBytes += lengthBytes
    if (passedBytes < BYTES_BETWEEN) return
    passedBytes = 0
    collect?.({ type: 'minor' })
  }
}
