/** Every call of 1fichier's API that counts against its limits, by its path under `/v1/` without `.cgi`. */
export const ENDPOINTS = [
  'file/ls',
  'file/info',
  'file/scan',
  'file/rm',
  'file/mv',
  'file/rename',
  'file/cp',
  'file/chattr',
  'folder/ls',
  'folder/mkdir',
  'folder/mv',
  'folder/rm',
  'folder/share',
  'upload/get_upload_server',
  'download/get_token',
  'user/info',
  'remote/request',
  'remote/ls',
  'remote/info',
  'ftp/process',
  'ftp/users/ls',
  'ftp/users/add',
  'ftp/users/rm',
  'vouchers/ls',
  'vouchers/check',
  'vouchers/use',
] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/** Calls outside the API: they carry no key (the upload apart) and no documented pace. */
export const UNPACED = ['upload.cgi', 'end.pl', 'direct', 'dir', 'check_links'] as const
export type Unpaced = (typeof UNPACED)[number]

export function findEndpoint(text: string): Endpoint | undefined {
  return ENDPOINTS.find((endpoint) => endpoint === text)
}
