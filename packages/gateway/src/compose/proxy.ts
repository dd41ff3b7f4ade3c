import type { Config } from '../config.ts'
import { createDial } from '../connections/dial.ts'
import type { openAuthority } from '../doors/proxy/authority.ts'
import { openProxyDoor, type ProxyDoor } from '../doors/proxy/door.ts'
import type { DoorServer } from '../doors/server.ts'
import { createTunnelAdmission } from '../services/admission.ts'
import type { Budgets } from '../services/budgets/budgets.ts'
import type { Gate } from '../services/gate.ts'
import type { Principals } from '../services/principals.ts'
import type { World } from '../world.ts'

export function openProxy(options: {
  readonly config: Config
  readonly authority: Awaited<ReturnType<typeof openAuthority>>
  readonly server: DoorServer
  readonly principals: Principals
  readonly gate: Gate
  readonly budgets: Budgets
  readonly world: World
}): ProxyDoor {
  const { config, authority, server, principals, gate, budgets, world } = options
  return openProxyDoor({
    authority,
    trustedProxies: config.trustedProxies,
    serve: (request, response, tunnel) => server.serve(request, response, tunnel),
    ...createTunnelAdmission({ principals, gate, budgets, random: world.random }),
    dial: createDial({ clock: world.clock }),
    clock: world.clock,
    log: world.log,
  })
}
