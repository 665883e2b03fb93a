import { resolve } from 'node:path';
import { endpointKey, formatConnectTo } from '../access/connect-to.ts';
import type { AccessRule } from '../access/rule.ts';
import { canonicalAccount, canonicalPart, type NameResult } from '../accounts/names.ts';
import type { Problem } from './problem.ts';
import type { FileSettings } from './schema.ts';
import { domainNames, type Settings, schemesOn } from './settings.ts';

/**
 * Settings of what a file says, without regard to how its keys go together.
 * @param directory what relative paths are relative to.
 */
export function assemble(read: FileSettings, directory: string): Settings {
  const { tls, auth, dataDir, allow, validPorts = [], ...rest } = read;
  const { certFile, keyFile, ...versions } = tls;
  const { domain, dnsDomain, computer, ...login } = auth;
  return {
    ...rest,
    allow: [...allow, ...validPorts],
    tls: {
      ...versions,
      ...(certFile === undefined ? {} : { certFile: resolve(directory, certFile) }),
      ...(keyFile === undefined ? {} : { keyFile: resolve(directory, keyFile) }),
    },
    auth: {
      ...login,
      users: [],
      ...(domain === undefined ? {} : { domain }),
      ...(dnsDomain === undefined ? {} : { dnsDomain }),
      ...(computer === undefined ? {} : { computer }),
    },
    dataDir: resolve(directory, dataDir),
  };
}

/**
 * The last step from what was written to settings that hold together: account and group names in rules become canonical,
 * and keys are judged against each other.
 */
export function complete(settings: Settings): { readonly settings: Settings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const domains = domainNames(settings.auth);
  const names = (
    list: readonly string[] | undefined,
    path: readonly (string | number)[],
    canonical: (text: string) => NameResult,
  ) =>
    list?.map((written, at) => {
      const name = canonical(written);
      if (name.ok) return name.name;
      problems.push({ path: [...path, at], message: `expected a name, found ${JSON.stringify(written)}: ${name.why}` });
      return written;
    });
  const allow = settings.allow.map((rule, at): AccessRule => {
    const accounts = names(rule.accounts, ['allow', at, 'accounts'], (text) => canonicalAccount(text, domains));
    const groups = names(rule.groups, ['allow', at, 'groups'], (text) => canonicalPart(text, 'group name'));
    return { ...rule, ...(accounts === undefined ? {} : { accounts }), ...(groups === undefined ? {} : { groups }) };
  });
  problems.push(...conflicts(settings));
  return { settings: { ...settings, allow }, problems };
}

function* conflicts(settings: Settings): Iterable<Problem> {
  const { listen, endpoints, tls, auth } = settings;
  if (tls.certFile !== undefined && tls.keyFile === undefined) {
    yield { path: ['tls', 'certFile'], message: 'expected a private key file with the certificate file, found none' };
  }
  if (tls.keyFile !== undefined && tls.certFile === undefined) {
    yield { path: ['tls', 'keyFile'], message: 'expected a certificate file with the private key file, found none' };
  }
  if (tls.min > tls.max) {
    yield { path: ['tls', 'min'], message: `expected at most the highest TLS version ${tls.max}, found ${tls.min}` };
  }
  const places = new Set<string>();
  for (const [at, listener] of listen.entries()) {
    const place = endpointKey(listener);
    if (places.has(place) && listener.port !== 0) {
      yield { path: ['listen', at], message: `expected each address and port once, found ${listener.url} again` };
    }
    places.add(place);
    if (listener.allowV1 && listener.tls) {
      yield {
        path: ['listen', at, 'allowV1'],
        message: `expected allowV1 on http listeners only, found it on ${listener.url}: version 1 has no TLS`,
      };
    }
    if (schemesOn(listener, settings).length === 0) {
      yield {
        path: ['listen', at],
        message:
          `expected a scheme that is safe on ${listener.url}, found only basic: passwords would cross the network readably; ` +
          'use https, add ntlm, or set allowInsecureBasic',
      };
    }
  }
  for (const [at, { listen: there }] of endpoints.entries()) {
    const place = endpointKey(there);
    if (places.has(place) && !('port' in there && there.port === 0)) {
      const found = formatConnectTo(there);
      yield {
        path: ['endpoints', at, 'listen'],
        message: `expected each place to listen on once, found ${found} again`,
      };
    }
    places.add(place);
  }
  if (new Set(auth.schemes).size < auth.schemes.length) {
    yield { path: ['auth', 'schemes'], message: `expected each scheme once, found ${auth.schemes.join(', ')}` };
  }
}
