/** What tests, benchmarks and soaks use of the testkit. */

export * from './live-proxy.ts';
export * from './network-namespace.ts';
export { requirePeer } from './peers/requirePeer.ts';
export * from './pipe.ts';
export * from './plain-pdus.ts';
export * from './proxy-process.ts';
export * from './raw-connection.ts';
export * from './rpc-server-stub.ts';
export * from './scripted-client.ts';
export * from './simulation/mod.ts';
export * from './virtual-clock.ts';
