/** The second door of @rpch/rpc: what its sister packages use and users should not lean on. */
export * from './mod.ts';
