/** What user/info.cgi lets its caller change (wire.md §9). */
export interface AccountSettings {
  readonly ftp_mode: number
  readonly ftp_did: number
  readonly ftp_report: number
  readonly ru_report: number
  readonly default_domain: number
  readonly page_limit: number
  readonly default_port: number
  readonly default_port_files: number
  readonly use_cdn: number
  readonly download_menu: number
}

export const INITIAL_SETTINGS: AccountSettings = {
  ftp_mode: 0,
  ftp_did: 0,
  ftp_report: 0,
  ru_report: 0,
  default_domain: 0,
  page_limit: 100,
  default_port: 0,
  default_port_files: 0,
  use_cdn: 0,
  download_menu: 0,
}

/** The settings named in a request, with numbers and numeric strings taken alike; others are left alone. */
export function changedSettings(
  settings: AccountSettings,
  request: Readonly<Record<string, unknown>>,
): AccountSettings | undefined {
  const changes = Object.keys(INITIAL_SETTINGS).flatMap((name) => {
    const value = request[name]
    const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))
    return isNumeric ? [[name, Number(value)]] : []
  })
  return changes.length === 0 ? undefined : { ...settings, ...Object.fromEntries(changes) }
}
