import { openDatabase, SqliteLedger } from './index.ts'

/** A process that records decisions and says which are acknowledged, until it is killed. For tests. */
const [path = ''] = process.argv.slice(2)
const ledger = new SqliteLedger(openDatabase({ path }))
const from = await ledger.count()

/** Bursts of different lengths, so that a kill meets every state of a transaction. */
for (let next = from + 1; ; ) {
  const burst = Array.from({ length: 1 + (next % 7) }, (_, index) => next + index)
  next += burst.length
  await Promise.all(
    burst.map(async (number) => {
      await ledger.record({
        atMs: number,
        requestId: `r-${number}`,
        key: 'owner',
        door: 'api',
        verb: 'list',
        target: '/'.repeat(number % 200),
        decision: 'allow',
        reason: '',
      })
      process.stdout.write(`${number}\n`)
    }),
  )
}
