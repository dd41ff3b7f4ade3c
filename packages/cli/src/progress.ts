import { Presets, SingleBar } from 'cli-progress'
import { printable } from './print.ts'
import type { Session } from './session.ts'
import { sizeText } from './sizes.ts'
import { durationText } from './times.ts'

/** A bar on the terminal, or nothing where nobody looks: not a terminal, --json, --quiet. */
export interface Progress extends Disposable {
  addTotal(bytes: number): void
  add(bytes: number): void
  /** What is going on besides bytes: `12 of 200 stored`, `waiting for 1fichier: 12s`. */
  tell(text: string): void
}

export function startProgress(session: Session): Progress {
  const { world, print } = session
  if (world.errors.isTTY !== true || print.isJson || print.isQuiet) {
    return { addTotal: () => {}, add: () => {}, tell: () => {}, [Symbol.dispose]: () => {} }
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
