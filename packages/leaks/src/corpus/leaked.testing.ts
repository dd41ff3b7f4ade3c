import { obscureRclone } from '../detect/rclone-obscure.ts'
import { ALNUM, DIGITS, type Draw, HEX, LOWER } from './random.testing.ts'

/** A text with a key in it, as it really gets about. `key` stands in it in some encoding. */
export interface Leaked {
  readonly text: string
  readonly path?: string
  /** Other keys in it, which are no mistake to find. */
  readonly also?: readonly string[]
}

type Place = (key: string, draw: Draw) => string | Leaked

const host = 'https://api.1fichier.com/v1'

/** Where the key of an account has been seen, or would be: tools, scripts, notes, logs. */
export const API_KEY_PLACES: Readonly<Record<string, Place>> = {
  'rclone.conf': (key, draw) => ({
    path: '.config/rclone/rclone.conf',
    text: `[gdrive]\ntype = drive\nclient_id = ${draw.text(DIGITS, 12)}-${draw.text(LOWER + DIGITS, 32)}.apps.googleusercontent.com\nclient_secret = GOCSPX-${draw.text(ALNUM, 28)}\n\n[${draw.of('1fichier', 'fich', 'cold', 'remote')}]\ntype = fichier\napi_key = ${key}\n\n[box]\ntype = box\ntoken = {"access_token":"${draw.text(ALNUM, 32)}"}\n`,
  }),
  'rclone.conf, other order': (key) => `[f]\napi_key = ${key}\nshared_folder = abc\ntype = fichier\n`,
  'rclone flag': (key, draw) =>
    `rclone ${draw.of('ls', 'copy', 'sync')} :fichier:films /tmp --fichier-api-key${draw.of('=', ' ')}${key} -v`,
  'rclone connection string': (key, draw) =>
    `rclone lsf ${draw.of(`":fichier,api_key=${key}:"`, `:fichier,api_key='${key}':dir`, `':fichier,shared_folder=x,api_key="${key}":'`)}`,
  'rclone config create': (key) => `rclone config create one fichier api_key ${key}`,
  'rclone environment': (key, draw) =>
    draw.of(
      `export RCLONE_FICHIER_API_KEY=${key}\nrclone ls :fichier:\n`,
      `RCLONE_CONFIG_ONE_TYPE=fichier\nRCLONE_CONFIG_ONE_API_KEY=${key}\n`,
    ),
  'rclone log': (key, draw) =>
    `2026/05/0${1 + draw.upTo(9)} 10:11:12 DEBUG : HTTP REQUEST (req 0xc000${draw.text(HEX, 6)})\n2026/05/01 10:11:12 DEBUG : POST /v1/folder/ls.cgi HTTP/1.1\nHost: api.1fichier.com\nUser-Agent: rclone/v1.60.1-DEV\nContent-Length: 15\nAuthorization: Bearer ${key}\nContent-Type: application/json\nAccept-Encoding: gzip\n\n{"folder_id":0}\n`,
  'curl in the history': (key, draw) =>
    `cd ~\n: 17${draw.text(DIGITS, 8)}:0;curl -X POST -H ${draw.of(`"Authorization: Bearer ${key}"`, `'Authorization: Bearer ${key}'`)} -H "Content-Type: application/json" -d '{}' ${host}/user/info.cgi\nls -la\n`,
  'curl, url first': (key) =>
    `curl -s ${host}/folder/ls.cgi -H 'Content-Type: application/json' -d '{"folder_id":0}' -H "authorization: bearer ${key}"`,
  'curl over lines': (key) =>
    `#!/bin/sh\ncurl -X POST \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/json" \\\n  ${host}/file/info.cgi\n`,
  'curl -v': (key) =>
    `> POST /v1/user/info.cgi HTTP/2\n> Host: api.1fichier.com\n> user-agent: curl/8.5.0\n> accept: */*\n> authorization: Bearer ${key}\n> content-type: application/json\n`,
  'key in a URL': (key, draw) =>
    `${draw.of('GET ', 'wget ', '"GET ')}https://api.1fichier.com/v1/user/info.cgi?${draw.of('api_key', 'apikey', 'key', 'token')}=${key}${draw.of('', '&pretty=1', ' HTTP/1.1" 200 512')}`,
  '.env': (key, draw) => ({
    path: '.env',
    text: `NODE_ENV=production\nDATABASE_URL=postgres://u:${draw.text(ALNUM, 32)}@db/x\n${draw.of('FICHIER_API_KEY', 'ONEFICHIER_KEY', 'ONE_FICHIER_TOKEN', 'X1FICHIER_APIKEY', 'FICHIER_TOKEN', 'UNFICHIER_API_KEY')}=${key}\nTMDB_API_KEY=${draw.text(HEX, 32)}\nAUTH0_CLIENT_ID=${draw.text(ALNUM, 32)}\n`,
  }),
  '.env with a comment': (key, draw) =>
    `PORT=80\n\n# ${draw.of('1fichier', '1Fichier premium', 'https://1fichier.com/console/params.pl')}\nAPI_KEY=${key}\n`,
  'compose file': (key, draw) => ({
    path: 'docker-compose.yml',
    text: `services:\n  grab:\n    image: x/grab\n    environment:\n      ${draw.of(`- FICHIER_API_KEY=${key}`, `FICHIER_API_KEY: ${key}`, `FICHIER_API_KEY: "${key}"`)}\n      - OTHER=${draw.text(ALNUM, 32)}\n`,
  }),
  kubernetes: (key) =>
    `env:\n  - name: FICHIER_API_KEY\n    value: "${key}"\n  - name: LOG_LEVEL\n    value: info\n`,
  'kubernetes secret': (key) =>
    `apiVersion: v1\nkind: Secret\nmetadata:\n  name: onefichier\ndata:\n  api_key: ${Buffer.from(key).toString('base64')}\n`,
  yaml: (key, draw) =>
    `hosters:\n  realdebrid:\n    token: ${draw.text(LOWER + DIGITS, 52)}\n  ${draw.of('1fichier', 'onefichier', '1fichier.com')}:\n    enabled: true\n    ${draw.of('api_key', 'key', 'apikey', 'password', 'token')}: ${key}\n  other:\n    key: ${draw.text(ALNUM, 32)}\n`,
  toml: (key) => `[services.1fichier]\napi_key = "${key}"\ntimeout = 30\n`,
  'json, one line': (key, draw) =>
    `{"accounts":{"${draw.of('1fichier.com', '1fichier', 'onefichier')}":[{"user":"","${draw.of('password', 'api_key', 'apiKey', 'key')}":"${key}","valid":true}],"rapidgator.net":[{"password":"${draw.text(ALNUM, 32)}"}]}}`,
  'json, many lines': (key) =>
    `{\n  "1fichier.com": [\n    {\n      "id": 1,\n      "enabled": true,\n      "user": "me@example.org",\n      "password": "${key}"\n    }\n  ],\n  "mega.co.nz": [\n    { "password": "hunter2" }\n  ]\n}\n`,
  'json, host after': (key) => `{"apikey":"${key}","hoster":"1fichier.com","type":"premium"}`,
  'pyload accounts': (key) => `version: 1\n\nOneFichierCom:\n\n\t${'me'}:${key}\n\t@\n`,
  'pyload database': (key) => `INSERT INTO accounts VALUES('OneFichierCom','api','${key}');`,
  python: (key, draw) =>
    draw.of(
      `import requests\n\nBASE = "${host}"\nAPI_KEY = "${key}"\n\ndef ls():\n    return requests.post(BASE)\n`,
      `import requests\nr = requests.post("${host}/user/info.cgi", json={}, headers={"Authorization": "Bearer ${key}"})\n`,
      `from onefichier import Client\nclient = Client(api_key="${key}")\n`,
      `from pyOneFichierClient.OneFichierAPI import FichierClient\n\nfclient = FichierClient('${key}')\n`,
      `headers = {\n    "Authorization": f"Bearer ${key}",\n    "Content-Type": "application/json",\n}\nrequests.post("${host}/folder/ls.cgi", headers=headers)\n`,
    ),
  php: (key, draw) =>
    draw.of(
      `<?php\ndefine('FICHIER_API_KEY', '${key}');\n`,
      `<?php\n$ch = curl_init('${host}/user/info.cgi');\ncurl_setopt($ch, CURLOPT_HTTPHEADER, ['Authorization: Bearer ${key}', 'Content-Type: application/json']);\n`,
      `<?php\n// 1fichier\n$config['api_key'] = "${key}";\n`,
      `$fichier = new OneFichier("${key}");`,
    ),
  javascript: (key, draw) =>
    draw.of(
      `const fichierApiKey = '${key}'\n`,
      `const res = await fetch('${host}/user/info.cgi', { method: 'POST', headers: { Authorization: 'Bearer ${key}' } })\n`,
      `// 1fichier.com\nconst apiKey: string = \`${key}\`\n`,
      `module.exports = { oneFichier: { apiKey: '${key}' } }\n`,
    ),
  'go and others': (key, draw) =>
    draw.of(
      `// Package fichier talks to 1fichier.com\nconst apiKey string = "${key}"\n`,
      `private static final String FICHIER_KEY = "${key}";\n`,
      `let fichier_token: &str = "${key}";\n`,
      `$env:FICHIER_API_KEY = "${key}"\n`,
      `setx FICHIER_API_KEY ${key}\n`,
      `set -x FICHIER_API_KEY ${key}\n`,
    ),
  'xml settings': (key, draw) =>
    draw.of(
      `<settings>\n  <setting id="1fichier.apikey">${key}</setting>\n  <setting id="x">y</setting>\n</settings>\n`,
      `<account host="1fichier.com" apikey="${key}"/>`,
      `<onefichier>\n  <token>${key}</token>\n</onefichier>\n`,
    ),
  prose: (key, draw) =>
    draw.of(
      `My 1fichier API key is ${key}, please do not share.`,
      `1fichier api key: ${key}`,
      `1fichier: ${key}`,
      `Hi, I use JDownloader with 1fichier and the key ${key} but get "IP locked".`,
      `- 1fichier password \`${key}\``,
      `1Fichier key = ${key}\nReal-Debrid key = ${draw.text(LOWER + DIGITS, 52)}\n`,
      `Clé API 1fichier : ${key}`,
    ),
  table: (key, draw) =>
    draw.of(`service,key\n1fichier,${key}\n`, `| 1fichier | ${key} |`, `1fichier.com\tme@x.org\t${key}`),
  'netrc and URLs': (key, draw) =>
    draw.of(
      `machine api.1fichier.com login api password ${key}\n`,
      `curl -u me:${key} https://api.1fichier.com/v1/user/info.cgi`,
      `https://me:${key}@api.1fichier.com/v1/`,
    ),
  'folder called so': (key) => ({
    path: 'scripts/1fichier/config.ini',
    text: `[main]\napi_key = ${key}\nverbose = 1\n`,
  }),
  'git diff': (key) =>
    `diff --git a/fichier.py b/fichier.py\nindex 83db48f..bf2a7c1 100644\n--- a/fichier.py\n+++ b/fichier.py\n@@ -1,3 +1,3 @@\n-FICHIER_API_KEY = os.environ["K"]\n+FICHIER_API_KEY = "${key}"\n`,
  'escaped json in a log': (key) =>
    `level=error msg="request failed" body="{\\"host\\":\\"api.1fichier.com\\",\\"headers\\":{\\"Authorization\\":\\"Bearer ${key}\\"}}"`,
  'URL in a URL': (key) =>
    `https://proxy.example/fetch?u=${encodeURIComponent(`https://api.1fichier.com/v1/user/info.cgi?api_key=${key}`)}`,
  'escaped characters': (key, draw) => {
    const escaped = draw.of(
      encodeURIComponent(key).replaceAll('-', '%2D').replaceAll('_', '%5F'),
      key.replace(/[-_=]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
      key.replaceAll('=', '&#61;').replaceAll('-', '&#x2d;'),
    )
    return `POST https://api.1fichier.com/v1/user/info.cgi\napi_key=${escaped}\n`
  },
  'basic credentials': (key, draw) =>
    `GET ${host}/user/info.cgi\nHost: api.1fichier.com\nAuthorization: Basic ${Buffer.from(`${draw.of('me', 'a@b.fr', 'user')}:${key}`).toString('base64')}\n`,
  'base64 of the settings': (key) =>
    `config: ${Buffer.from(`[one]\ntype = fichier\napi_key = ${key}\n`).toString('base64')}`,
  'default of a variable': (key, draw) =>
    draw.of(
      `KEYS = {\n    "TORBOX": os.environ.get("TORBOX_KEY", "${draw.text(ALNUM, 32)}"),\n    "ONEFICHIER": os.environ.get("ONEFICHIER_KEY", "${key}"),\n    "PIXELDRAIN": os.environ.get("PIXELDRAIN_KEY", "${draw.text(ALNUM, 32)}"),\n}\n`,
      `const apiKey = process.env.FICHIER_API_KEY ${draw.of('||', '??')} '${key}'\n`,
      `curl -H "Authorization: Bearer \${FICHIER_API_KEY:-${key}}" http://127.0.0.1/\n`,
      `FICHIER_API_KEY = getenv("FICHIER_API_KEY") or "${key}"\n`,
    ),
  'several keys': (key, draw) => {
    const first = draw.apiKey()
    return { text: `FICHIER_API_KEY=${first},${key}\n`, also: [first] }
  },
  'a file of its own': (key, draw) => ({
    path: draw.of(
      'saves/1fichierAPI.txt',
      '.secrets/onefichier',
      'run/secrets/fichier_api_key',
      '1fichier-key.txt',
    ),
    text: `${key}${draw.of('', '\n')}`,
  }),
  powershell: (key) =>
    `$DelayMs = 400\n\n# -- 1fichier API key ---------------------\n$ApiKey = "${key}"\nif (-not $ApiKey) { exit 1 }\n`,
  'settings of applications': (key, draw) =>
    draw.of(
      `{"tmdb_api_key":"${draw.text(HEX, 32)}","one_fichier_api_key":"${key}","sendcm_api_key":"${draw.text(ALNUM, 32)}"}`,
      `{\n  "1fichier_api_key": "${key}",\n  "plex_token": "${draw.text(ALNUM, 20)}"\n}\n`,
      `<add key="OneFichierApiKey" value="${key}" />`,
      `INSERT INTO settings (key, value) VALUES ('1fichier_api_key', '${key}');`,
      `fichier_api_key: !secret ${key}`,
      `const String oneFichierToken = '${key}';`,
    ),
  'hex dump': (key) => `1fichier key ${Buffer.from(key).toString('hex')}`,
  'obscured by rclone': (key, draw) =>
    `[ftp]\ntype = ftp\nhost = ftp.1fichier.com\nuser = me\npass = ${obscureRclone(key, draw.bytes(16))}\n`.replace(
      'type = ftp\n',
      '',
    ),
}

/** A virtual key is told by its checksum, wherever it stands. */
export const VIRTUAL_KEY_PLACES: Readonly<Record<string, Place>> = {
  alone: (key) => key,
  'in a sentence': (key) => `the key is ${key}.`,
  header: (key) => `Authorization: Bearer ${key}`,
  'proxy address': (key) => `HTTPS_PROXY=http://guichet:${key}@127.0.0.1:8474`,
  'rclone, obscured': (key, draw) =>
    `[dav]\ntype = webdav\nurl = http://127.0.0.1:8474/dav\nuser = x\npass = ${obscureRclone(key, draw.bytes(16))}\n`,
  'basic credentials': (key, draw) =>
    `authorization: Basic ${Buffer.from(`${draw.text(LOWER, draw.upTo(12))}:${key}`).toString('base64')}`,
  'inside base64 of anything': (key, draw) =>
    `blob=${Buffer.concat([draw.bytes(draw.upTo(50)), Buffer.from(key), draw.bytes(draw.upTo(50))]).toString(draw.of('base64', 'base64url'))}`,
  hex: (key, draw) => {
    const hex = Buffer.from(key).toString('hex')
    return `x ${draw.of(hex, hex.toUpperCase())} y`
  },
  escaped: (key, draw) =>
    draw.of(
      `?k=${key.replaceAll('_', '%5F')}`,
      `?k=${[...key].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')}`,
      `"${[...key].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')}"`,
      `&quot;${key.replaceAll('_', '&#95;')}&quot;`,
    ),
  'in a longer word': (key, draw) => `${draw.text(ALNUM, 5)}-${key}-${draw.text(ALNUM, 5)}`,
  'in a path': (key) => `/var/www/${key}/index.html`,
  'in json': (key) => JSON.stringify({ id: 'k-abcdefgh', key, name: 'kodi' }),
}
