export * from './client.ts'
export * from './contract.ts'
export * from './transport.ts'
