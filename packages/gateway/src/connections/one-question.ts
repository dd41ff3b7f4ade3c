/**
 * Asks one question at a time, however many want the answer.
 * Whoever comes while one is under way shares the next: no answer is older than the wish for it.
 */
export function oneQuestion<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    next ??= last.then(() => {
      next = undefined
      const answer = ask()
      // Whatever came of it was told to those who asked.
      last = answer.catch(() => undefined)
      return answer
    })
    return next
  }
}
