/** The account of the run-time's benchmark, at the proxy and at the server. */
export const ACCOUNT = { domain: 'BENCH', name: 'alice', password: 'Secret.1' } as const;
