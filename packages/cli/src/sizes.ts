import { GatewayError } from '@guichet/core'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** For people: `1.2 GiB`. Programs get the exact number with --json. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`
}

/** `+1G` more than, `-1G` less than, `1G` exactly so many bytes; units of 1024. */
export interface SizeTest {
  readonly sign: '+' | '-' | '='
  readonly bytes: number
}

export function parseSizeTest(text: string): SizeTest {
  const match = /^([+-]?)(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text)
  if (match === null) {
    throw new GatewayError('invalid', `${JSON.stringify(text)} is not a size`, {
      hint: 'write it as in +1G (more than 1 GiB), -500k (less than 500 KiB) or 1024 (exactly)',
    })
  }
  const [, sign, number = '', unit = ''] = match
  const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1
  return {
    sign: sign === '+' || sign === '-' ? sign : '=',
    bytes: Math.round(Number(number) * 1024 ** power),
  }
}

export function passesSize(test: SizeTest, bytes: number): boolean {
  switch (test.sign) {
    case '+':
      return bytes > test.bytes
    case '-':
      return bytes < test.bytes
    case '=':
      return bytes === test.bytes
  }
}
