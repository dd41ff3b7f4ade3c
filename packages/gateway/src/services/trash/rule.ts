import { type FolderId, GatewayError, type TrashRule } from '@guichet/core'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Caller } from '../gate.ts'
import { findFolder } from '../places.ts'
import { OWNER } from '../principals.ts'

/** The trash of a new key: a folder that is there, and that the key neither sees nor is inside of. */
export async function findTrash(
  services: Parameters<typeof findFolder>[0] & { readonly catalogue: Catalogue },
  caller: Caller,
  wish: { readonly at: string; readonly keepMs: number },
  root: FolderId,
): Promise<TrashRule> {
  const { catalogue } = services
  const { id } = await findFolder(services, caller, wish.at)
  const path = await catalogue.pathOf(id)
  if ((await catalogue.standing({ ...OWNER, root }, id)) === 'outside')
    return { folder: id, path, keepMs: wish.keepMs }
  throw new GatewayError('invalid', `the trash ${path} is not outside the root of the key`, {
    hint: 'confine the key with --root, and choose a folder that is neither in there nor above it',
  })
}
