import { badRule } from './ports.ts';
import { type AccessRule, patternOf } from './rule.ts';

/** Most entries in one value of ValidPorts. */
const MAX_ENTRIES = 1024;
const EXAMPLE = 'exchange01:593;exchange01:6001-6002';

/**
 * Reads the value of Windows' `ValidPorts` (registry key `RpcProxy`): entries `server:port` or `server:low-high` with
 * semicolons between them, several for one server where it has several ports; a server name may end in `*`. Each entry
 * becomes a rule for `ncacn_http`. As in Windows empty entries say nothing, names are compared as text, and there are
 * no IPv6 addresses. Unlike there an asterisk stops at the next dot, so that no foreign zone is covered.
 * @throws RpchError `RPCH_BAD_RULE` with a sentence for the administrator.
 */
export function parseValidPorts(text: string): AccessRule[] {
  const entries = text
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) throw badRule(`expected entries such as ${EXAMPLE}, found "${text}"`);
  if (entries.length > MAX_ENTRIES) throw badRule(`expected at most ${MAX_ENTRIES} entries, found ${entries.length}`);
  return entries.map(ruleOf);
}

function ruleOf(entry: string): AccessRule {
  const colon = entry.lastIndexOf(':');
  const server = entry.slice(0, Math.max(colon, 0));
  const ports = entry.slice(colon + 1);
  if (server === '') throw badRule(`expected server:port or server:low-high, such as ${EXAMPLE}, found "${entry}"`);
  if (ports.includes(',')) {
    const each = ports.split(',').map((port) => `${server}:${port.trim()}`);
    throw badRule(`expected one port or range after each server, ${each.join(';')}, found "${entry}"`);
  }
  if (/[:[\]]/.test(server)) {
    throw badRule(
      `expected a host name or an IPv4 address, which is all that ValidPorts knows, found "${server}" in "${entry}"; ` +
        'write a rule with the pattern ncacn_http:[address][ports]',
    );
  }
  if (/^\*+$/.test(server)) {
    throw badRule(
      `expected the name of a server, found "${server}" in "${entry}": it would open every computer; ` +
        'write a rule with the pattern ncacn_http:*[ports] and addresses:',
    );
  }
  return { text: entry, pattern: patternOf('ncacn_http', server, ports, entry) };
}
