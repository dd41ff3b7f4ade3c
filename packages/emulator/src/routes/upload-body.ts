import type { Service } from '../service.ts'
import type { Call } from '../transport/call.ts'
import { Hangup } from '../transport/hangup.ts'

/** The body of an upload as it arrives, counted, and cut where the fault `cut` says so. */
export async function* meteredBody(service: Service, call: Call): AsyncGenerator<Buffer> {
  const cutAfter = call.fault?.kind === 'cut' ? call.fault.afterBytes : Number.POSITIVE_INFINITY
  let received = 0
  for await (const chunk of call.request) {
    const bytes: Buffer = chunk
    received += bytes.length
    service.counters.add('bytesUp', bytes.length)
    if (received >= cutAfter) throw new Hangup('at once')
    yield bytes
  }
}
