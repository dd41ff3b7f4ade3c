import { Presets, SingleBar } from 'cli-progress'
import { printable } from './print.ts'
import type { Session } from './session.ts'
import { sizeText } from './sizes.ts'
import { durationText } from './times.ts'

/** A bar on the terminal, or nothing where nobody looks: not a terminal, --json, --quiet. */
export interface Progress extends Disposable {
  readonly isVisible: boolean
  addTotal(bytes: number): void
  add(bytes: number): void
  /** What is going on besides bytes: `12 of 200 stored`, `waiting for 1fichier: 12s`. */
  tell(text: string): void
}

export function startProgress(session: Session): Progress {
  const { world, print } = session
  if (world.errors.isTTY !== true || print.isJson || print.isQuiet) {
    return { isVisible: false, addTotal: () => {}, add: () => {}, tell: () => {}, [Symbol.dispose]: () => {} }
  }
  const startedMs = world.clock.nowMs()
  let totalBytes = 0
  let bytes = 0
  let text = ''
  const bar = new SingleBar(
    {
      stream: world.errors,
      hideCursor: true,
      clearOnComplete: true,
      fps: 5,
      etaBuffer: 50,
      format: '{bar} {percentage}%  {done} of {all}  {rate}/s  {left}  {text}',
      barsize: 24,
    },
    Presets.shades_classic,
  )
  const figures = (): Record<string, string> => {
    const seconds = Math.max(0.001, (world.clock.nowMs() - startedMs) / 1000)
    const rate = bytes / seconds
    return {
      done: sizeText(bytes),
      all: sizeText(totalBytes),
      rate: sizeText(Math.round(rate)),
      left:
        rate > 0 && bytes < totalBytes ? `${durationText(((totalBytes - bytes) / rate) * 1000)} left` : '',
      text: printable(text).slice(0, 60),
    }
  }
  const draw = (): void => bar.update(bytes, figures())
  bar.start(1, 0, figures())
  return {
    isVisible: true,
    addTotal(more) {
      totalBytes += more
      bar.setTotal(Math.max(totalBytes, 1))
    },
    add(more) {
      bytes += more
      draw()
    },
    tell(said) {
      text = said
      draw()
    },
    [Symbol.dispose]: () => bar.stop(),
  }
}

/** Says which limit of 1fichier is waited for, where a bar is shown and the key may know. */
export async function tellWaiting(session: Session, progress: Progress): Promise<void> {
  if (!progress.isVisible) return
  try {
    const { scheduler } = await session.connect().guichet.status({ signal: session.stop })
    const [lock] = scheduler.locks
    const [call] = scheduler.waiting
    if (lock?.untilMs !== undefined) {
      progress.tell(`1fichier's lock: ${durationText(lock.untilMs - session.world.clock.nowMs())}`)
    } else if (call !== undefined) {
      progress.tell(`waiting for 1fichier's limit: ${durationText(call.waitMs)}`)
    }
  } catch {
    // It is only for show, and not every key may see the status.
  }
}
