import { basename, join } from 'node:path'
import { JDOWNLOADER_ACCOUNTS } from './jdownloader.ts'
import type { Place, Tool } from './place.ts'

export interface Surroundings {
  readonly userHome: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where tools keep the key, whether there is such a file or not; none twice. A folder stands for the files in it. */
export function usualPlaces({ userHome, cwd, env }: Surroundings): readonly Place[] {
  const atHome = (tool: Tool, ...names: readonly string[]): readonly Place[] =>
    names.map((name) => ({ tool, path: join(userHome, name) }))
  const config = env['XDG_CONFIG_HOME'] ?? ''
  const named = env['RCLONE_CONFIG'] ?? ''
  const all: readonly Place[] = [
    ...(named === '' ? [] : [{ tool: 'rclone', path: named } as const]),
    ...(config === '' ? [] : [{ tool: 'rclone', path: join(config, 'rclone/rclone.conf') } as const]),
    ...atHome('rclone', '.config/rclone/rclone.conf', '.rclone.conf'),
    ...atHome(
      'JDownloader',
      ...JDOWNLOADER_FOLDERS.map((folder) => join(folder, 'cfg', JDOWNLOADER_ACCOUNTS)),
    ),
    ...atHome(
      'pyLoad',
      '.pyload/settings/accounts.cfg',
      '.pyload/accounts.conf',
      '.config/pyload/accounts.cfg',
    ),
    ...atHome('environment file', '.env', '.pam_environment'),
    ...atHome('shell file', ...SHELL_FILES),
    ...atHome('shell history', ...SHELL_HISTORIES),
    ...atHome('environment file', '.config/environment.d'),
    ...atHome('script', 'bin', '.local/bin', '.config/systemd/user'),
    ...COMPOSE_FILES.map((name) => ({ tool: 'compose file', path: join(cwd, name) }) as const),
    { tool: 'environment file', path: join(cwd, '.env') },
  ]
  const paths = new Set<string>()
  return all.filter(({ path }) => paths.size < paths.add(path).size)
}

export const SHELL_FILES: readonly string[] = [
  '.bashrc',
  '.bash_profile',
  '.bash_aliases',
  '.profile',
  '.zshrc',
  '.zshenv',
  '.zprofile',
  '.config/fish/config.fish',
]

const SHELL_HISTORIES = ['.bash_history', '.zsh_history', '.local/share/fish/fish_history'] as const

const JDOWNLOADER_FOLDERS = [
  'jd2',
  '.jd2',
  'JDownloader',
  'JDownloader2',
  'JDownloader 2.0',
  'bin/JDownloader',
  'Library/Application Support/JDownloader 2.0',
] as const

const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'] as const

/** What a file that a person names is: by its name, and for settings of rclone by what they look like. */
export function placeAt(path: string, content: Buffer): Place {
  const name = basename(path)
  const tool = BY_NAME.find(([shape]) => shape.test(name))?.[1] ?? 'script'
  const isRclone =
    /^\[[^\]\n]+\]\s*$/m.test(content.toString('latin1')) &&
    /^type\s*=\s*fichier\b/m.test(content.toString('latin1'))
  return { path, tool: isRclone ? 'rclone' : tool }
}

const BY_NAME: readonly (readonly [RegExp, Tool])[] = [
  [/^\.?rclone.*\.conf$/, 'rclone'],
  [/AccountSettings\.accounts\.ejs$/, 'JDownloader'],
  [/^accounts\.(?:cfg|conf)$/, 'pyLoad'],
  [/\.env$|^\.env|\.conf$/, 'environment file'],
  [/compose.*\.ya?ml$/, 'compose file'],
  [/_history$/, 'shell history'],
  [/^\.(?:bash|zsh|profile)|\.fish$/, 'shell file'],
]
