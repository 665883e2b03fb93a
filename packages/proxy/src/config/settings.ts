import { isLoopback, parseIp } from '../access/ip.ts';
import type { AccessRule } from '../access/rule.ts';
import type { TrialAccount } from '../accounts/local-provider.ts';
import type { DomainNames } from '../accounts/names.ts';
import type { EndpointSettings } from './endpoint.ts';
import type { Listener } from './listener.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';
export type Scheme = 'basic' | 'ntlm';

export interface TlsSettings {
  /** PEM file with the certificate and its chain. Absent: a self-signed one is made once and kept. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Samba's client needs a `max` of TLSv1.2: the session tickets of TLS 1.3 hang it. */
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

export interface AuthSettings {
  /** HTTP authentication schemes offered, in this order. */
  readonly schemes: readonly Scheme[];
  /** Offer Basic on plain HTTP beyond loopback too: passwords then cross the network readably. */
  readonly allowInsecureBasic: boolean;
  /** NetBIOS name of the domain: the `PEER` of `PEER\alice`. */
  readonly domain?: string;
  /** DNS name of the domain: the `peer.test` of `alice@peer.test`. */
  readonly dnsDomain?: string;
  /** NetBIOS name of this computer in NTLM. */
  readonly computer?: string;
  /** Whether NTLM over TLS must be bound to the TLS connection, against relays. */
  readonly channelBinding: 'off' | 'when-offered' | 'required';
  /** Accounts given on the command line; they live in memory only. */
  readonly users: readonly TrialAccount[];
}

/** Named bounds; times in seconds, sizes in bytes. */
export interface Limits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
  readonly virtualConnectionsPerAccount: number;
  readonly headTimeout: number;
  readonly headBytes: number;
  readonly pairTimeout: number;
  readonly connectTimeout: number;
  readonly stallTimeout: number;
  readonly keepAliveTimeout: number;
  readonly drainTimeout: number;
  readonly receiveWindow: number;
}

/** Everything that can be set; what each key of the file means stands in schema.ts. */
export interface Settings {
  readonly listen: readonly Listener[];
  readonly tls: TlsSettings;
  /** What may be reached, first match first; empty means nothing. */
  readonly allow: readonly AccessRule[];
  /** Endpoints of this process that play the server role for plain servers which several proxies share. */
  readonly endpoints: readonly EndpointSettings[];
  readonly auth: AuthSettings;
  readonly dataDir: string;
  /** Bytes. */
  readonly channelLifetime: number;
  /** Seconds. */
  readonly connectionTimeout: number;
  readonly limits: Limits;
}

/**
 * True when Basic may be offered on a listener: over TLS, on a loopback address, or where the administrator allowed
 * passwords to cross the network readably.
 */
export function basicAllowedOn(listener: Pick<Listener, 'tls' | 'host'>, settings: Pick<Settings, 'auth'>): boolean {
  if (listener.tls || settings.auth.allowInsecureBasic) return true;
  const ip = parseIp(listener.host);
  return ip !== undefined && isLoopback(ip);
}

/** The schemes to offer on a listener, in the order configured. */
export function schemesOn(listener: Pick<Listener, 'tls' | 'host'>, settings: Pick<Settings, 'auth'>): Scheme[] {
  return settings.auth.schemes.filter((scheme) => scheme !== 'basic' || basicAllowedOn(listener, settings));
}

/** The names by which accounts of the configured domain are known. */
export function domainNames({ domain, dnsDomain, computer }: AuthSettings): DomainNames {
  return {
    ...(domain === undefined ? {} : { netbios: domain }),
    ...(dnsDomain === undefined ? {} : { dns: dnsDomain }),
    ...(computer === undefined ? {} : { computer }),
  };
}
