/** Works on the items in their order, at most `limit` at a time. The first failure stops the taking of further items. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let hasFailed = false
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !hasFailed; next = iterator.next()) {
      try {
        await work(next.value)
      } catch (failure) {
        hasFailed = true
        throw failure
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: limit }, worker))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
