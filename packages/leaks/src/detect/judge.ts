import type { Confidence, FindContext, RuleId } from '../finding.ts'
import { hasOwnKey, mentions, type Surroundings, surroundingsOf } from './mentions.ts'
import { meaningOf, type Naming, namingOf, OTHER_SERVICE } from './names.ts'
import { canBeKey, isMixed, looksRandom } from './shapes.ts'

export interface Verdict {
  readonly rule: RuleId
  readonly confidence: Confidence
}

/**
 * Is this text of the right shape the key of an account? Its place decides: the shape alone is that of a thousand other
 * things. `start` and `end` are where it stands, which for an encoded key is longer than the key.
 */
export function judge(
  key: string,
  text: string,
  start: number,
  end: number,
  context: FindContext,
): Verdict | undefined {
  if (!canBeKey(key)) return undefined
  const around = surroundingsOf(text, start, end)
  const naming = namingOf(around.before, around.lead)
  if (isToolSetting(naming.name, around, text))
    return { rule: '1fichier-tool-setting', confidence: 'certain' }
  const type = /^\s*type\s*=\s*(\S+)/m.exec(around.section)?.[1]
  if (type !== undefined && type !== 'fichier') return undefined
  if (!isMixed(key)) return undefined
  const isAlone = text.trim().length === end - start
  return judgeNamed({ key, naming, around, context, isAlone })
}

function judgeNamed(place: {
  readonly key: string
  readonly naming: Naming
  readonly around: Surroundings
  readonly context: FindContext
  readonly isAlone: boolean
}): Verdict | undefined {
  const { key, naming, around, context, isAlone } = place
  const meaning = meaningOf(naming.name)
  if (meaning === 'fichier-key' || /fichier\w*\(\s*["'`]$/i.test(around.before))
    return { rule: '1fichier-named-key', confidence: 'high' }
  const isInPath = context.path !== undefined && mentions(context.path)
  const lines = around.mentionLines ?? (isInPath ? 99 : undefined)
  if (lines === undefined) return undefined
  // A file that is named after it and holds nothing else.
  if (isInPath && isAlone) return { rule: '1fichier-bare-key', confidence: 'high' }
  if (naming.scheme !== undefined) return { rule: '1fichier-request', confidence: 'high' }
  if (!looksRandom(key)) return undefined
  switch (meaning) {
    case 'key':
      if (lines > 1 && !isAssigned(around.before)) return undefined
      return { rule: '1fichier-key-nearby', confidence: lines <= 3 ? 'high' : 'medium' }
    case 'foreign-key':
      if (lines > 0 || OTHER_SERVICE.test(naming.name) || hasOwnKey(around.before)) return undefined
      return { rule: '1fichier-key-nearby', confidence: 'medium' }
    case 'something-else':
      if (naming.isPair && lines <= 3) return bare(around)
      return isProse(around.before) && lines === 0 ? bare(around) : undefined
    case 'nothing':
      return lines === 0 ? bare(around) : undefined
  }
}

/** Nothing says what it is: not as a part of an address, and not beside another service. */
function bare({ before, after }: Surroundings): Verdict | undefined {
  if (/[/?&#@.%+]$/.test(before) || /^[/?&#.%+][\w%]/.test(after)) return undefined
  if (after.startsWith('@') && !mentions(after.slice(0, 80))) return undefined
  if (OTHER_SERVICE.test(before) || OTHER_SERVICE.test(after)) return undefined
  return { rule: '1fichier-bare-key', confidence: 'medium' }
}

function isAssigned(before: string): boolean {
  return /[:=>(,][\s"'`(]*$/.test(before)
}

/** A word and a space, and no assignment: the word need not be its name. */
function isProse(before: string): boolean {
  return /[\p{L}\p{N}][,;:]?\s+["'`(]?$/u.test(before) && !/[=]\s*["'`(]?$/.test(before)
}

/** Settings that can hold nothing but a key of 1fichier. */
function isToolSetting(name: string, around: Surroundings, text: string): boolean {
  const word = name.replace(/^-+/, '').toLowerCase().replaceAll('-', '_')
  if (/(?:^|[^a-z0-9])(?:rclone_)?fichier_api_key$/.test(word)) return true
  if (/create\s+\S+\s+fichier\s(?:.*\s)?api_key[\s=]$/.test(around.before)) return true
  if (word === 'api_key' || word.endsWith(',api_key')) {
    if (/^\s*type\s*=\s*fichier\s*$/m.test(around.section)) return true
    if (/:fichier,(?:[^:"'\n]|"[^"]*"|'[^']*')*["']?$/.test(around.before)) return true
  }
  const remote = /^rclone_config_(\w+)_api_key$/.exec(word)?.[1]
  if (remote === undefined) return false
  return new RegExp(`RCLONE_CONFIG_${remote}_TYPE["']?\\s*[=:]\\s*["']?fichier\\b`, 'i').test(text)
}
