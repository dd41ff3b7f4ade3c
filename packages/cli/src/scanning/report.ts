import { createHash } from 'node:crypto'
import { type Finding, maskedKey, type Scanned } from '@guichet/leaks'

/** A key that was found, as it may be shown. */
export interface Found {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly commit?: string
  readonly kind: Finding['kind']
  readonly rule: Finding['rule']
  readonly confidence: Finding['confidence']
  readonly encoding: Finding['encoding']
  readonly masked: string
  readonly fingerprint: string
}

export function foundOf({ path, commit, finding }: Extract<Scanned, { kind: 'found' }>): Found {
  const { line, column, kind, rule, confidence, encoding, fingerprint } = finding
  return {
    ...{ path, line, column, ...(commit !== undefined && { commit }) },
    ...{ kind, rule, confidence, encoding, masked: maskedKey(finding), fingerprint },
  }
}

export function foundText({ path, line, column, commit, rule, confidence, encoding, masked }: Found): string {
  const remarks = [
    ...(encoding === 'plain' ? [] : [encoding]),
    ...(confidence === 'medium' ? ['perhaps'] : []),
    ...(commit === undefined ? [] : [`in ${commit}`]),
  ]
  return `${path}:${line}:${column}: ${rule} ${masked}${remarks.length === 0 ? '' : ` (${remarks.join(', ')})`}`
}

/** For the code scanning of forges: SARIF 2.1.0. */
export function sarifOf(found: readonly Found[], version: string): object {
  const rules = [...new Set(found.map(({ rule }) => rule))].sort()
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'guichet scan', version, rules: rules.map((id) => ({ id })) } },
        results: found.map(({ path, line, column, commit, rule, kind, confidence, masked, fingerprint }) => ({
          ruleId: rule,
          level: confidence === 'medium' ? 'warning' : 'error',
          message: {
            text: `${kind === 'api-key' ? 'an API key of 1fichier' : 'a virtual key'}: ${masked}${commit === undefined ? '' : ` in ${commit}`}`,
          },
          partialFingerprints: {
            'guichet/v1': createHash('sha256').update(`${fingerprint}\n${path}`).digest('hex'),
          },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(path.replaceAll('\\', '/')) },
                region: { startLine: line, startColumn: column },
              },
            },
          ],
        })),
      },
    ],
  }
}
