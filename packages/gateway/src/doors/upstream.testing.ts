import type { FileHost } from '@guichet/core'

/** One call that reached the account. */
export interface UpstreamCall {
  readonly method: string
  readonly args: readonly unknown[]
}

/** Does something else than the account would; `go` is what it would do. */
export type Fault = (go: () => Promise<unknown>, args: readonly unknown[]) => unknown

/** Calls that wait for no turn. */
const UNPACED: readonly string[] = ['upload', 'uploadReport', 'openDirect', 'publicFolder', 'checkLinks']

/** The host with each call of the API in its turn, as the scheduler gives it. */
export function inTurn<Target extends object>(target: Target, wait: () => Promise<void>): Target {
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property)
      if (typeof value === 'object' && value !== null) return inTurn(value, wait)
      if (typeof value !== 'function' || UNPACED.includes(String(property))) return value
      return async (...args: unknown[]) => {
        await wait()
        return value.apply(target, args)
      }
    },
  })
}

/** The host with each call noted, those of `remote`, `ftp` and `vouchers` too. */
export function witness(real: FileHost): {
  readonly host: FileHost
  readonly upstream: UpstreamCall[]
  fail(method: string, ...faults: readonly Fault[]): void
} {
  const upstream: UpstreamCall[] = []
  const faults = new Map<string, Fault[]>()
  const wrap = <Target extends object>(target: Target, prefix: string): Target =>
    new Proxy(target, {
      get(_, property) {
        const value: unknown = Reflect.get(target, property)
        const method = `${prefix}${String(property)}`
        if (typeof value === 'object' && value !== null) return wrap(value, `${method}.`)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          upstream.push({ method, args })
          const go = async (): Promise<unknown> => value.apply(target, args)
          const fault = faults.get(method)?.shift()
          return fault === undefined ? go() : fault(go, args)
        }
      },
    })
  const fail = (method: string, ...more: readonly Fault[]): void => {
    faults.set(method, more.length === 0 ? [] : [...(faults.get(method) ?? []), ...more])
  }
  return { host: wrap(real, ''), upstream, fail }
}
