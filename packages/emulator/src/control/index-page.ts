import { FAULT_KINDS } from '../faults/faults.ts'
import { certifiedNames } from '../hosts.ts'
import { READINGS } from '../readings.ts'
import { RULES } from '../rules/rules.ts'
import type { Controlled } from './answers.ts'

/** The emulator in words: where it is, what it enforces, what can be changed. */
export function indexPage(emulator: Controlled): string {
  const { host, port } = emulator.address
  const rules = emulator.rules()
  return [
    'An emulated 1fichier.',
    '',
    `Connect to ${host}:${port} with the host names unchanged (${certifiedNames().slice(0, 2).join(', ')}, …),`,
    `trust GET /ca.pem, and send Authorization: Bearer ${emulator.apiKey}`,
    '',
    'GET    /snapshot   counters, key sightings',
    'POST   /reset      forget counters, faults, calls and locks; the account stays',
    'GET    /locks      locks in force           DELETE ends them',
    'GET    /rules      what is enforced         POST {"level":"documented","timeScale":60}',
    'GET    /readings   readings of wire.md §15  POST {"floodStatus":429}',
    'GET    /faults     faults waiting           POST {"at":"file/ls","kind":"reset","times":2}   DELETE clears',
    'GET    /account    key and files            POST [{"mkdir":"/a"},{"putFile":"/a/b.txt","text":"hi"},',
    '                                            {"putSynthetic":"/big.bin","sizeBytes":300000000000},',
    '                                            {"putForest":"/many","folders":100000,"filesPerFolder":10}]',
    '',
    `Rules (level ${rules.level}, time ×${rules.timeScale}, tolerance ${rules.toleranceMs} ms):`,
    ...RULES.map(
      ({ id, source, limit, scope }) =>
        `  ${id}: ${limit.count} in ${limit.windowMs} ms, locks the ${scope} (${source})`,
    ),
    '',
    'Faults:',
    ...Object.entries(FAULT_KINDS).map(([kind, says]) => `  ${kind}: ${says}`),
    '',
    'Readings:',
    ...Object.entries(READINGS).map(
      ([name, { item, says, default: usual }]) => `  ${name} (${item}): ${says}; default ${usual}`,
    ),
    '',
  ].join('\n')
}
