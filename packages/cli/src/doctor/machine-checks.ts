import { DAY_MS, MINUTE_MS } from '@guichet/core'
import { durationText } from '../times.ts'
import type { Check, Weakness } from './checks.ts'
import { known } from './facts.ts'
import { quoted } from './key-checks.ts'

/** The Node that Guichet brings along; an older one lacks its corrections of security. */
export const NODE_WANTED: readonly [number, number] = [24, 21]
/** Expiries, locks and certificates are wrong by as much. */
const CLOCK_OFF_MAX_MS = 2 * MINUTE_MS
const AUTHORITY_DAYS_LEFT = 60
const DISK_SHARE_LEFT = 0.05

export const MACHINE_CHECKS: readonly Check[] = [
  {
    id: 'node',
    group: 'machine',
    looksAt: 'the version of Node',
    look({ nodeVersion }) {
      const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number)
      const [wantedMajor, wantedMinor] = NODE_WANTED
      if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return []
      return [
        {
          severity: 'weak',
          text: `this is Node ${nodeVersion}, older than ${NODE_WANTED.join('.')}`,
          mend: 'npm install, which brings a newer one along, or update the one of the machine',
        },
      ]
    },
  },
  {
    id: 'clock',
    group: 'machine',
    looksAt: 'the clock, by the last answer of 1fichier',
    look({ database }) {
      const clock = known(database)?.clock
      if (clock === undefined) return undefined
      if (Math.abs(clock.offsetMs) <= CLOCK_OFF_MAX_MS) return []
      const direction = clock.offsetMs > 0 ? 'behind' : 'ahead of'
      return [
        {
          severity: 'weak',
          text: `the clock of this machine is ${durationText(Math.abs(clock.offsetMs))} ${direction} that of 1fichier`,
          mend: 'timedatectl set-ntp true',
        },
      ]
    },
  },
  {
    id: 'disk',
    group: 'machine',
    looksAt: 'the space on the disk of the home',
    look({ disk, config, home }) {
      if (disk === undefined) return undefined
      const { freeBytes, totalBytes } = disk
      const reserveBytes = known(config)?.reserveBytes ?? 0
      const mend = `du -xh ${quoted(home)} | sort -h | tail`
      const left = `${Math.floor(freeBytes / 1024 / 1024)} MiB are left on the disk of the home`
      if (freeBytes <= reserveBytes)
        return [{ severity: 'serious', text: `${left}: uploads are refused`, mend }]
      return freeBytes < totalBytes * DISK_SHARE_LEFT ? [{ severity: 'weak', text: left, mend }] : []
    },
  },
  {
    id: 'authority',
    group: 'machine',
    looksAt: 'the certificate of the proxy',
    look({ authority, nowMs, home }) {
      if (authority === undefined) return undefined
      const mend = `rm ${quoted(`${home}/ca.pem`)} ${quoted(`${home}/ca.key`)}, then guichet init in another home and copy its two files`
      if ('problem' in authority) return [{ severity: 'serious', text: authority.problem, mend }]
      const days = Math.floor((authority.endMs - nowMs) / DAY_MS)
      if (days > AUTHORITY_DAYS_LEFT) return []
      return [
        days < 0
          ? { severity: 'serious', text: 'the certificate of the proxy has ended', mend }
          : { severity: 'weak', text: `the certificate of the proxy ends in ${days} days`, mend },
      ]
    },
  },
  {
    id: 'shell-files',
    group: 'machine',
    looksAt: 'start-up files of shells',
    look: ({ shellLines }) =>
      shellLines?.map(
        ({ path, line, what }): Weakness => ({
          severity: 'weak',
          text:
            what === 'virtual-key'
              ? `${path}:${line} gives a virtual key to every program that is started from a shell`
              : `${path}:${line} sends every program that is started from a shell through the gateway`,
          mend: `sed -i ${line}d ${quoted(path)}, and use guichet run -- COMMAND`,
        }),
      ),
  },
  {
    id: 'core-dumps',
    group: 'machine',
    looksAt: 'core dumps',
    look({ coreBytesMax }) {
      if (coreBytesMax === undefined) return undefined
      if (coreBytesMax === 0) return []
      return [
        {
          severity: 'weak',
          text: 'a program that crashes leaves its memory on the disk, the keyholder too',
          mend: 'ulimit -c 0, or LimitCORE=0 in the unit of systemd, before guichet serve',
        },
      ]
    },
  },
]
