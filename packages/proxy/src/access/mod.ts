/** Access rules: what a client may reach, and at which addresses. */
export { type Cidr, type Ip, isLoopback, parseCidr, parseIp } from './ip.ts';
export { type AccessDecision, AccessPolicy, type AccessRequest } from './policy.ts';
export { type Lookup, type Resolution, resolveHost } from './resolve.ts';
export { type AccessRule, type HostPort, makeRule, parseMap, parsePattern, type RuleLimits } from './rule.ts';
export { normaliseServerName, parseTarget, type Target } from './target.ts';
