import { previewPlace } from '@guichet/leaks'
import { countText, printable } from '../print.ts'
import type { Session } from '../session.ts'
import type { AdoptJournal } from './journal.ts'
import { nextStepOf, type Plan } from './plan.ts'
import type { VaultFate } from './take.ts'

/** Shows each line that would be changed, with masks for the keys. */
export function tellPlan({ print }: Session, plan: Plan): void {
  const files = plan.changes.map(({ seen, sightings }) => ({
    path: seen.place.path,
    tool: seen.place.tool,
    lines: previewPlace(seen.place, seen.content, sightings, MASKS),
  }))
  print.result({ key: plan.key.fingerprint, files, byHand: plan.byHand }, () => {
    for (const { path, lines } of files) {
      print.line(`--- ${printable(path)}`)
      for (const { line, before, after } of lines) {
        print.line(`@@ line ${line}`)
        print.line(print.style.red(`-${printable(before)}`))
        print.line(print.style.green(`+${printable(after)}`))
      }
    }
    if (files.length === 0) print.line('there is nothing that can be changed for you')
  })
  tellByHand(print, plan)
}

const MASKS = { before: '<the API key>', after: '<a virtual key>' }

export function tellDone({ print, home }: Session, plan: Plan, fate: VaultFate, journal: AdoptJournal): void {
  const value = {
    vault: fate,
    files: journal.files.map(({ path, tool }) => ({ path, tool })),
    keys: journal.keys,
    byHand: plan.byHand,
  }
  print.result(value, () => {
    print.line(`${FATES[fate]} ${home.vault}`)
    for (const { path, tool } of journal.files) {
      const key = journal.keys.find((one) => one.tool === tool)
      print.line(`${printable(path)} has the virtual key ${key?.name} (${key?.id})`)
    }
  })
  tellByHand(print, plan)
  print.note('\nNext:')
  print.note('  guichet serve        if it does not run yet')
  for (const { seen, sightings } of plan.changes)
    print.note(`  ${printable(nextStepOf({ place: seen.place, sightings }))}`)
  print.note(
    '  guichet adopt --confirm    when all works: the backups still hold the key; --undo puts them back',
  )
  print.note('\nThe API key stood in plain text, so count it as known to others:')
  print.note('  make a new one on https://1fichier.com/console/params.pl, then run `guichet rotate`')
}

const FATES: Readonly<Record<VaultFate, string>> = {
  made: 'the API key is in the new vault',
  kept: 'nothing was changed in the vault',
  replaced: 'the API key has replaced the one in the vault',
}

function tellByHand(print: Session['print'], { byHand }: Plan): void {
  if (byHand.length === 0) return
  print.note(`\n${countText(byHand.length, 'mention')} of the key that only you can take out:`)
  for (const { path, line, why } of byHand) print.note(`  ${printable(path)}:${line}: ${why}`)
}
