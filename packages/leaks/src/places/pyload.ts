import { type Format, PLAIN, type Sighting } from './place.ts'
import { linesOf } from './rclone-conf.ts'
import { sightValue } from './sightings.ts'

/**
 * pyLoad's accounts: a line `PluginName:` for each plug-in, below it `login:password`, and options that begin with `@`.
 * An API key stands in the place of the password.
 */
export const PYLOAD: Format = {
  ...PLAIN,

  find(text) {
    const found: Sighting[] = []
    let isOurs = false
    for (const { line, start } of linesOf(text)) {
      const [, plugin] = /^\s*(\w+):\s*$/.exec(line) ?? []
      if (plugin !== undefined) isOurs = /^onefichier/i.test(plugin)
      const colon = line.indexOf(':')
      if (plugin !== undefined || !isOurs || colon < 0 || /^\s*[#@]/.test(line)) continue
      found.push(...sightValue(text, start + colon + 1, line.slice(colon + 1), 'the account OneFichierCom'))
    }
    return found
  },
}
