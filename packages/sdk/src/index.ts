export type { ApiCall } from './asking.ts'
export * from './client.ts'
export * from './contract.ts'
export * from './transport.ts'
