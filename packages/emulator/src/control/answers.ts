import type { Emulator } from '../emulator.ts'
import { READINGS, type Readings, readingProblems } from '../readings.ts'
import { isObject } from '../routes/fields.ts'
import { indexPage } from './index-page.ts'
import { parseFault, parseRules } from './parse.ts'
import { plantSeeds } from './seeds.ts'

/** What the control API can reach. */
export type Controlled = Omit<Emulator, 'caFile' | 'dataDir' | 'controlUrl' | typeof Symbol.asyncDispose>

export interface ControlRequest {
  readonly method: string
  readonly path: string
  readonly isFromPage: boolean
  readonly body: string
}

export interface ControlAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
}

export async function answerControl(emulator: Controlled, request: ControlRequest): Promise<ControlAnswer> {
  if (request.isFromPage) return plainAnswer('the control API does not answer web pages\n', 403)
  switch (`${request.method} ${request.path}`) {
    case 'GET /':
      return plainAnswer(indexPage(emulator))
    case 'GET /ca.pem':
      return { status: 200, type: 'application/x-pem-file', text: emulator.caPem }
    case 'GET /snapshot':
      return jsonAnswer(emulator.snapshot())
    case 'GET /locks':
      return jsonAnswer(emulator.locks())
    case 'DELETE /locks':
      emulator.forgive()
      return jsonAnswer(emulator.locks())
    case 'GET /rules':
      return jsonAnswer(emulator.rules())
    case 'POST /rules':
      emulator.setRules(parseRules(parseJson(request.body)))
      return jsonAnswer(emulator.rules())
    case 'GET /readings':
      return jsonAnswer({ now: emulator.readings(), table: READINGS })
    case 'POST /readings':
      emulator.setReadings(parseReadings(request.body))
      return jsonAnswer(emulator.readings())
    case 'GET /faults':
      return jsonAnswer(waitingFaults(emulator))
    case 'POST /faults':
      for (const spec of listOf(parseJson(request.body))) emulator.fault(parseFault(spec))
      return jsonAnswer(waitingFaults(emulator))
    case 'DELETE /faults':
      emulator.clearFaults()
      return jsonAnswer(waitingFaults(emulator))
    case 'GET /account':
      return jsonAnswer({ apiKey: emulator.apiKey, files: emulator.account.files() })
    case 'POST /account':
      return jsonAnswer(await plantSeeds(emulator.account, listOf(parseJson(request.body))))
    case 'POST /reset':
      emulator.resetCounters()
      emulator.clearFaults()
      emulator.forgive()
      return jsonAnswer(emulator.snapshot())
    default:
      return plainAnswer(`no ${request.method} ${request.path} here\n\n${indexPage(emulator)}`, 404)
  }
}

/** JSON has no Infinity, so that a fault without end says `always`. */
function waitingFaults(emulator: Controlled): unknown[] {
  return emulator.faults().map(({ spec, timesLeft, skipLeft }) => {
    const times = Number.isFinite(timesLeft) ? timesLeft : 'always'
    return { ...spec, times, after: skipLeft }
  })
}

function parseReadings(body: string): Partial<Readings> {
  const changes = parseJson(body)
  if (!isObject(changes)) throw new Error('give an object of readings')
  const problems = readingProblems(changes)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return changes
}

function parseJson(body: string): unknown {
  return JSON.parse(body)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function jsonAnswer(value: unknown): ControlAnswer {
  return {
    status: 200,
    type: 'application/json; charset=utf-8',
    text: `${JSON.stringify(value, undefined, 2)}\n`,
  }
}

function plainAnswer(text: string, status = 200): ControlAnswer {
  return { status, type: 'text/plain; charset=utf-8', text }
}
