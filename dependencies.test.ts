import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

/** What comes along when a user installs Guichet; what only tests and tools need is marked `dev` by npm. */
const root = import.meta.dirname
const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as Lockfile
const entries = Object.entries(packages).filter(([place, { link }]) => isForeign(place) && link !== true)
const installed = entries.filter(([, { dev }]) => dev !== true)

/** Each lets everybody use, change and pass on, and asks for no more than its notice. */
const LICENCES = ['MIT', 'Apache-2.0', 'MIT OR Apache-2.0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause']
/** npm runs these by itself; so it does `node-gyp` where there is a binding.gyp. */
const RUN_AT_INSTALLATION = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare']
const PACKAGES_MAX = 80
/** An entry that names no address comes from here. */
const REGISTRY = 'https://registry.npmjs.org/'

describe('what users install (R10)', () => {
  it('runs no script at installation (R10)', () => {
    const running = entries.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    assert.deepEqual(
      running.map(([place]) => place),
      [],
      'by the lockfile',
    )
    const folders = [...installed.map(([place]) => place), '.', ...globSync('packages/*', { cwd: root })]
    const found = folders.filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    assert.ok(
      found.length > installed.length / 2,
      'the packages are installed here, so that they can be read',
    )
    assert.deepEqual(found.flatMap(scriptsOf), [], 'by the packages themselves')
  })

  it('is what it was when it was locked: each file by its hash, from the registry and nowhere else (R10)', () => {
    const loose = entries.filter(
      ([, { integrity, resolved }]) =>
        !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '') || !(resolved ?? REGISTRY).startsWith(REGISTRY),
    )
    assert.deepEqual(
      loose.map(([place]) => place),
      [],
    )
  })

  it('is few, and each may be used and passed on (R10)', () => {
    assert.ok(installed.length <= PACKAGES_MAX, `${installed.length} packages`)
    const others = installed.filter(([, { license }]) => !LICENCES.includes(license ?? 'none'))
    assert.deepEqual(
      others.map(([place, { license }]) => `${place}: ${license}`),
      [],
    )
  })

  it('is pinned to one version, and each has its reason in ARCHITECTURE.md, for the packages that use it (R10)', () => {
    const wanted: string[] = []
    for (const name of globSync('packages/*', { cwd: root })) {
      for (const [dependency, version] of Object.entries(manifest(name).dependencies ?? {})) {
        assert.match(version, /^\d+\.\d+\.\d+$/, `${dependency} in ${name}`)
        if (!dependency.startsWith('@guichet/') && name !== 'packages/testkit')
          wanted.push(`${dependency} in ${path.basename(name)}`)
      }
    }
    for (const [dependency, version] of Object.entries(manifest('.').optionalDependencies ?? {})) {
      assert.match(version, /^\d+\.\d+\.\d+$/, dependency)
      wanted.push(`${dependency} in optional`)
    }
    assert.deepEqual(reasons().sort(), wanted.sort())
  })
})

interface Lockfile {
  readonly packages: Readonly<Record<string, Locked>>
}

interface Locked {
  readonly link?: boolean
  readonly dev?: boolean
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly hasInstallScript?: boolean
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function isForeign(place: string): boolean {
  return place.includes('node_modules/')
}

function scriptsOf(folder: string): readonly string[] {
  const names = Object.keys(manifest(folder).scripts ?? {})
  // What comes out of a registry is packed already: npm prepares only what it is given as sources.
  const run = isForeign(folder) ? RUN_AT_INSTALLATION.slice(0, 3) : RUN_AT_INSTALLATION
  const found = names.filter((name) => run.includes(name)).map((name) => `${folder}: ${name}`)
  return existsSync(path.join(root, folder, 'binding.gyp')) ? [...found, `${folder}: binding.gyp`] : found
}

/** The table in ARCHITECTURE.md, as `dependency in package`. */
function reasons(): string[] {
  const text = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8')
  const rows = [...text.matchAll(/^\| (`[^|]+`) \| ([^|]+) \| [^|]+ \|$/gm)]
  return rows.flatMap(([, names = '', where = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name]) =>
      where.split(',').map((place) => `${name} in ${place.trim()}`),
    ),
  )
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
}
