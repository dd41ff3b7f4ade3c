/** Thrown to destroy the connection in the middle of a call. */
export class Hangup extends Error {
  constructor() {
    super('the connection was destroyed on demand')
  }
}
