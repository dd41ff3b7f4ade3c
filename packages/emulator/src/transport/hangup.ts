/** Thrown to destroy the connection in the middle of a call, with or without the bytes that are still on their way out. */
export class Hangup extends Error {
  readonly moment: 'at once' | 'after what was written'

  constructor(moment: Hangup['moment']) {
    super('the connection was destroyed on demand')
    this.moment = moment
  }
}
