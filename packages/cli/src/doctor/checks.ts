import type { DoctorFacts } from './facts.ts'
import { FILE_CHECKS } from './file-checks.ts'
import { GATEWAY_CHECKS } from './gateway-checks.ts'
import { KEY_CHECKS } from './key-checks.ts'
import { MACHINE_CHECKS } from './machine-checks.ts'

export type Severity = 'serious' | 'weak'

/** What a check found, and the command that mends it. */
export interface Weakness {
  readonly severity: Severity
  readonly text: string
  readonly mend: string
}

/** One thing that is looked at. It reads the facts and nothing else. */
export interface Check {
  /** Stays the same from version to version, for programs. */
  readonly id: string
  readonly group: Group
  /** What it looks at, for a person: "the age of the API key". */
  readonly looksAt: string
  /** Gives `undefined` when the facts that it needs are not there. */
  readonly look: (facts: DoctorFacts) => readonly Weakness[] | undefined
}

export type Group = 'API key' | 'virtual keys' | 'files' | 'gateway' | 'machine'

export interface Finding extends Weakness {
  readonly check: string
  readonly group: Group
}

export interface Diagnosis {
  /** The serious ones first. */
  readonly findings: readonly Finding[]
  readonly lookedAt: readonly string[]
  readonly notLookedAt: readonly string[]
}

export const CHECKS: readonly Check[] = [...KEY_CHECKS, ...FILE_CHECKS, ...GATEWAY_CHECKS, ...MACHINE_CHECKS]

export function diagnose(facts: DoctorFacts): Diagnosis {
  const results = CHECKS.map((check) => ({ check, weaknesses: check.look(facts) }))
  const findings = results.flatMap(({ check, weaknesses = [] }) =>
    weaknesses.map((weakness): Finding => ({ check: check.id, group: check.group, ...weakness })),
  )
  const named = (wasLookedAt: boolean): readonly string[] =>
    results
      .filter(({ weaknesses }) => (weaknesses !== undefined) === wasLookedAt)
      .map(({ check }) => check.looksAt)
  return {
    findings: [
      ...findings.filter(({ severity }) => severity === 'serious'),
      ...findings.filter(({ severity }) => severity === 'weak'),
    ],
    lookedAt: named(true),
    notLookedAt: named(false),
  }
}
