export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** Lines and columns of a text; asked for places in ascending order it reads the text once. */
export function createPositions(text: string): { of(index: number): Position } {
  let line = 1
  let lineStart = 0
  return {
    of(index) {
      if (index < lineStart) {
        line = 1
        lineStart = 0
      }
      for (
        let at = text.indexOf('\n', lineStart);
        at >= 0 && at < index;
        at = text.indexOf('\n', lineStart)
      ) {
        line += 1
        lineStart = at + 1
      }
      return { line, column: index - lineStart + 1 }
    },
  }
}
