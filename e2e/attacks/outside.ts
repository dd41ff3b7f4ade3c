import { connect } from 'node:net'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Stand } from '../stand.ts'

/** One decision as the ledger has it. */
export interface Line {
  readonly key: string
  readonly door: string
  readonly verb: string
  readonly target: string
  readonly decision: 'allow' | 'deny'
  readonly reason: string
}

/** The ledger, oldest first; read beside the gateway, as its owner could. */
export function ledgerOf(stand: Pick<Stand, 'home'>): readonly Line[] {
  const db = new DatabaseSync(path.join(stand.home, 'guichet.db'), { readOnly: true })
  try {
    const rows = db
      .prepare('SELECT key, door, verb, target, decision, reason FROM ledger ORDER BY sequence')
      .all()
    return rows as unknown as readonly Line[]
  } finally {
    db.close()
  }
}

/** What was denied since a moment that `ledgerOf(stand).length` has marked. */
export function deniedSince(stand: Pick<Stand, 'home'>, mark: number): readonly Line[] {
  return ledgerOf(stand)
    .slice(mark)
    .filter(({ decision }) => decision === 'deny')
}

export interface SpeakOptions {
  /** Leave when so many answers have come; else when the other side ends the connection. */
  readonly answers?: number
  readonly host?: string
  readonly from?: string
}

/** Sends bytes as they are (latin1) and gives back all that comes. */
export function speak(url: string, text: string, options: SpeakOptions = {}): Promise<string> {
  const { answers = Number.POSITIVE_INFINITY, from } = options
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({
      host: options.host ?? hostname,
      port: Number(port),
      ...(from !== undefined && { localAddress: from }),
    })
    let got = ''
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
      if (statusesIn(got).length >= answers) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(got))
    socket.write(Buffer.from(text, 'latin1'))
  })
}

export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

export function basic(key: string): string {
  return `Basic ${Buffer.from(`any:${key}`).toString('base64')}`
}
