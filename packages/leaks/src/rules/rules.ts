import type { RuleId } from '../finding.ts'

/** What others can be given of our rules: one expression each, without what stands further around. */
export interface ExportedRule {
  readonly id: string
  readonly of: RuleId
  readonly description: string
  /** In the syntax that RE2 and JavaScript share; its first group is the key. */
  readonly regex: string
  /** Texts without one of these are not looked at. */
  readonly keywords: readonly string[]
  /** Bits for each character; what has less is no random text. Absent where a prefix says enough. */
  readonly entropy?: number
}

const KEY = '([A-Za-z0-9_=-]{32})'
const END = '(?:[^A-Za-z0-9_=-]|$)'
/** 32 random characters of 65 have 4.5 bits each, and hardly ever less than 4; examples such as `xxxx…` have less. */
const ENTROPY = 3.8

export const RULES: readonly ExportedRule[] = [
  {
    id: 'guichet-virtual-key',
    of: 'guichet-virtual-key',
    description:
      'A virtual key of Guichet, or a token that fetches one: revoke it with `guichet scan --revoke`',
    regex: '\\b(gc[hw]_[0-9A-Za-z]{28})\\b',
    keywords: ['gch_', 'gcw_'],
  },
  {
    id: '1fichier-rclone-remote',
    of: '1fichier-tool-setting',
    description: 'The API key of a 1fichier account in the settings of an rclone remote',
    regex: `\\btype\\s*=\\s*fichier\\b(?:[^\\[]{0,400}?\\n)\\s*api_key\\s*=\\s*${KEY}${END}`,
    keywords: ['fichier'],
    entropy: ENTROPY,
  },
  {
    id: '1fichier-named-key',
    of: '1fichier-named-key',
    description: 'The API key of a 1fichier account, assigned to a name that says so',
    regex: `(?i:fichier[\\w.-]{0,20}?[_.-]?(?:api)?[_.-]?(?:key|token|secret|pass(?:word|wd)?)\\w{0,4})["'\\]]{0,3}\\s{0,3}(?:=>|:=|[:=,]|\\s)\\s{0,3}["'\\x60]?${KEY}${END}`,
    keywords: ['fichier'],
    entropy: ENTROPY,
  },
  {
    id: '1fichier-request-after-key',
    of: '1fichier-request',
    description: 'The API key of a 1fichier account in a request to its API',
    regex: `(?i:bearer|api_?key["']?[=:])["'\\s]{0,3}${KEY}${END}[^\\n]{0,300}(?i:1fichier\\.com)`,
    keywords: ['1fichier.com'],
    entropy: ENTROPY,
  },
  {
    id: '1fichier-request-before-key',
    of: '1fichier-request',
    description: 'The API key of a 1fichier account in a request to its API',
    regex: `(?i:api\\.1fichier\\.com)(?:[^:]|:[^/]){0,250}?(?i:bearer\\s{1,3}|[?&]api_?key=)${KEY}${END}`,
    keywords: ['1fichier.com'],
    entropy: ENTROPY,
  },
  {
    id: '1fichier-key-nearby',
    of: '1fichier-key-nearby',
    description:
      'A text with the length of an API key, named as a key, behind a mention of 1fichier on its line',
    regex: `(?i:(?:1|one)_?fichier)[^\\n\\]}]{0,80}?(?i:\\b(?:api[_-]?key|apikey|key|token|password))["']?\\s{0,3}(?:is|[:=>])\\s{0,3}["'\\x60]?${KEY}${END}`,
    keywords: ['fichier'],
    entropy: ENTROPY,
  },
]

export const EXPORTS: Readonly<Record<'gitleaks' | 'trufflehog', () => string>> = {
  /** A configuration of gitleaks, https://github.com/gitleaks/gitleaks#configuration. */
  gitleaks: () =>
    `title = "Keys of 1fichier and of Guichet"\n\n${RULES.map(
      ({ id, description, regex, keywords, entropy }) =>
        [
          '[[rules]]',
          `id = ${JSON.stringify(id)}`,
          `description = ${JSON.stringify(description)}`,
          `regex = '''${regex}'''`,
          'secretGroup = 1',
          ...(entropy === undefined ? [] : [`entropy = ${entropy}`]),
          `keywords = ${JSON.stringify(keywords)}`,
          '',
        ].join('\n'),
    ).join('\n')}`,

  /** Custom detectors of trufflehog, https://docs.trufflesecurity.com/custom-detectors. */
  trufflehog: () =>
    `# trufflehog filesystem --config=trufflehog.yaml PATH\ndetectors:\n${RULES.map(
      ({ id, keywords, regex, entropy }) =>
        [
          `  - name: ${id}`,
          '    keywords:',
          ...keywords.map((word) => `      - ${JSON.stringify(word)}`),
          '    regex:',
          `      key: '${regex.replaceAll("'", "''")}'`,
          ...(entropy === undefined ? [] : [`    entropy: ${entropy}`]),
          '',
        ].join('\n'),
    ).join('')}`,
}
