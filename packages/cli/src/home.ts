import { isAbsolute, join, resolve } from 'node:path'
import type { World } from './world.ts'

/** Where the state of one account lives. */
export interface Home {
  readonly path: string
  readonly vault: string
  readonly config: string
  readonly authority: string
  readonly adminSocket: string
}

/** `--home`, else `$GUICHET_HOME`, else the platform's directory for data. */
export function homeOf(world: World, flag: string | undefined): Home {
  const path = resolve(world.cwd, flag ?? filled(world.env['GUICHET_HOME']) ?? defaultHome(world))
  return {
    path,
    vault: join(path, 'vault'),
    config: join(path, 'config.json'),
    authority: join(path, 'ca.pem'),
    adminSocket: join(path, 'run', 'admin.sock'),
  }
}

/** As the XDG specification says, a relative $XDG_DATA_HOME is ignored. */
function defaultHome(world: World): string {
  const data = filled(world.env['XDG_DATA_HOME'])
  if (data !== undefined && isAbsolute(data)) return join(data, 'guichet')
  if (world.platform === 'darwin') return join(world.userHome, 'Library', 'Application Support', 'guichet')
  return join(world.userHome, '.local', 'share', 'guichet')
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}
