import {
  type FileNode,
  type FolderId,
  GatewayError,
  parseName,
  parsePath,
  pathText,
  type Transfer,
  type TransferId,
} from '@guichet/core'
import type { ApiStored } from '@guichet/sdk'
import type { Caller } from '../../services/gate.ts'
import { findFolder, findReadable, makePath, requireFile } from '../../services/places.ts'
import type { Received } from '../../services/uploads/uploads.ts'
import { sendContent } from '../content.ts'
import { bodyOf, sendJson, type Visit } from '../visit.ts'
import type { ApiServices } from './routes.ts'
import { apiFile } from './shapes.ts'

/** `GET|HEAD /content?at=…` */
export async function getContent(
  services: ApiServices,
  visit: Visit,
  caller: Caller,
  at: string,
): Promise<void> {
  await services.gate.demand(caller, ['download'], at)
  const file = requireFile(await findReadable(services, caller, at, 'download'), at)
  await sendContent(visit, caller, services.downloads, file)
}

/** `PUT /content?at=/folder/name`, as the contract says. */
export async function putContent(
  services: ApiServices,
  visit: Visit,
  caller: Caller,
  at: string,
): Promise<void> {
  const { catalogue, changes, gate, uploads } = services
  const { searchParams } = visit.url
  const isSet = (name: string): boolean => searchParams.get(name) === '1'
  await gate.demand(caller, ['upload'], at)
  const parts = parsePath(at)
  if (at.endsWith('/')) {
    throw new GatewayError('invalid', `${pathText(parts)}/ is a folder, and content goes into a file`, {
      hint: 'name the file in it: at=/folder/name',
    })
  }
  const name = parseName(parts.at(-1) ?? '')
  const content = announced(visit)
  const folder = await placeFor(services, caller, parts.slice(0, -1), isSet('parents'))
  await gate.permit(caller, 'upload', pathText(parts))
  const twins = await twinsOf(catalogue, caller, folder, name)
  if ((await catalogue.list(caller, folder)).folders.some((child) => child.name === name)) {
    throw new GatewayError('conflict', `${pathText(parts)} is a folder`, {
      hint: 'choose another name, or a file inside it',
    })
  }
  const mayReplace = twins.length === 0 || isSet('overwrite')
  if (!mayReplace && !twins.some((twin) => twin.sizeBytes === content.sizeBytes)) throw isThere(parts)
  // Deleting is a verb of its own, and an overwrite ends with it.
  if (twins.length > 0 && mayReplace) await gate.permit(caller, 'delete', pathText(parts))
  if (mayReplace) await changes.prepareRemoval(caller, { files: twins, folders: [], target: pathText(parts) })
  const upload = `${caller.principal.key}/${Buffer.from(services.random(10)).toString('hex')}`
  const received = await uploads.receive(
    caller,
    folder,
    { name, ...content },
    bodyOf(visit.request),
    visit.signal,
  )
  const there = await twinsNow(services, caller, folder, received)
  if (there.length > 0 && !isSet('overwrite'))
    return sendStored(visit, 201, await takenAsSame(uploads, received, there, parts))
  const transfer = await journaled(services, caller, upload, received, isSet('more'))
  // An overwrite ends with the removal of the old file, so there is something to wait for.
  if (searchParams.get('wait') === '0' && twins.length === 0)
    return sendStored(visit, 202, { transfer: transfer.id, state: 'spooled', whirlpool: transfer.whirlpool })
  await uploads.whenStored(upload, visit.signal)
  const answer = await stored(services, caller, transfer.id, pathText(parts.slice(0, -1)))
  // Content that was sent again may have been given the file that an earlier try has stored: it is no twin of itself.
  const isOld = (file: FileNode): boolean =>
    file.link.id !== answer.file?.id && twins.some((twin) => twin.link.id === file.link.id)
  const old = twins.length === 0 ? [] : (await twinsOf(catalogue, caller, folder, name)).filter(isOld)
  if (old.length > 0) await changes.removeFiles(caller, old)
  sendStored(visit, 201, answer)
}

/** The content may have taken hours to come: its folder may be another key's by now, and its name may be taken. */
async function twinsNow(
  { catalogue, uploads }: ApiServices,
  caller: Caller,
  folder: FolderId,
  received: Received,
): Promise<readonly FileNode[]> {
  try {
    await catalogue.requireInside(caller, folder)
  } catch (failure) {
    await uploads.discard([received])
    throw failure
  }
  // Where 1fichier cannot be asked now, content that is here counts for more than a name that may be there twice.
  return twinsOf(catalogue, caller, folder, received.name).catch(() => [])
}

/** Whoever lost the answer to a request sends it again: when the same content is there, what it wants is done. */
async function takenAsSame(
  uploads: ApiServices['uploads'],
  received: Received,
  twins: readonly FileNode[],
  parts: readonly string[],
): Promise<ApiStored> {
  await uploads.discard([received])
  const { id: transfer, whirlpool } = received
  const same = twins.find((twin) => twin.whirlpool === whirlpool)
  if (same === undefined) throw isThere(parts)
  return { transfer, state: 'stored', whirlpool, file: apiFile(same, pathText(parts.slice(0, -1))) }
}

function isThere(parts: readonly string[]): GatewayError {
  return new GatewayError('conflict', `${pathText(parts)} is there already`, {
    hint: 'add --overwrite to replace it',
  })
}

async function twinsOf(
  catalogue: ApiServices['catalogue'],
  caller: Caller,
  folder: FolderId,
  name: string,
): Promise<readonly FileNode[]> {
  return (await catalogue.list(caller, folder)).files.filter((file) => file.name === name)
}

async function journaled(
  { uploads }: ApiServices,
  caller: Caller,
  upload: string,
  received: Received,
  more: boolean,
): Promise<Transfer> {
  if (caller.signal?.aborted === true) {
    await uploads.discard([received])
    throw GatewayError.from(caller.signal.reason)
  }
  const [transfer] = await uploads.commit(upload, [received], { more })
  if (transfer !== undefined) return transfer
  throw new GatewayError('internal', 'the upload was not journaled')
}

async function placeFor(services: ApiServices, caller: Caller, parts: readonly string[], mayMake: boolean) {
  const { catalogue, changes } = services
  const folder = mayMake
    ? await makePath(catalogue, changes, caller, parts)
    : await findFolder(services, caller, pathText(parts))
  return (await catalogue.requireInside(caller, folder.id)).id
}

function announced(visit: Visit): { sizeBytes?: number; expectWhirlpool?: string } {
  const length = visit.request.headers['content-length']
  if (length === undefined) {
    throw new GatewayError('invalid', 'the length of the content is missing', { hint: 'send Content-Length' })
  }
  const expected = visit.request.headers['x-guichet-whirlpool']
  if (expected !== undefined && !/^[0-9a-f]{128}$/i.test(String(expected))) {
    throw new GatewayError('invalid', 'x-guichet-whirlpool is not a Whirlpool checksum', {
      hint: 'send 128 hexadecimal digits',
    })
  }
  return {
    sizeBytes: Number(length),
    ...(typeof expected === 'string' && { expectWhirlpool: expected.toLowerCase() }),
  }
}

async function stored(
  services: ApiServices,
  caller: Caller,
  id: TransferId,
  folderPath: string,
): Promise<ApiStored> {
  const transfer = await services.uploads.find(id)
  if (transfer?.state.kind !== 'stored')
    throw new GatewayError('internal', 'the upload ended in another state than stored')
  const { whirlpool } = transfer
  const link = transfer.state.link.id
  // It is stored; where it has been moved to since is not for every key to know.
  if (!(await services.catalogue.sees(caller.principal, link)))
    return { transfer: id, state: 'stored', whirlpool }
  const file = apiFile(await services.catalogue.file(caller, link), folderPath)
  return { transfer: id, state: 'stored', whirlpool, file }
}

function sendStored(visit: Visit, status: 201 | 202, answer: ApiStored): void {
  sendJson(visit.response, status, answer)
}
