import type { InterfaceIdentity } from '../dcerpc/client-contexts.ts';
import type { ClientOf } from '../dcerpc/interface-declaration.ts';
import { RpchError } from '../errors.ts';
import { EptStatus, type epmDeclaration } from '../interfaces/epm.ts';
import { decodeTower, questionTower, type TowerProtocol } from '../interfaces/towers.ts';
import { NULL_CONTEXT_HANDLE } from '../ndr/mod.ts';

/** Where endpoint mappers listen ([MS-RPCE] 2.1.1.1, [MS-RPCH] 2.1). */
export const MAPPER_PORTS: Readonly<Record<TowerProtocol, number>> = { ncacn_ip_tcp: 135, ncacn_http: 593 };

/** Towers that one answer may bring. */
const MAX_TOWERS = 16;

/**
 * Asks an endpoint mapper for the port of an interface ([MS-RPCE] 2.2.1.2.5, ept_map). Of the answer's address nothing is taken: it is how
 * the server sees itself. Rejects with RpchError `RPCH_NOT_REGISTERED` (peer) where no endpoint is known.
 */
export async function mapEndpoint(
  mapper: ClientOf<typeof epmDeclaration>,
  wanted: InterfaceIdentity,
  protocol: TowerProtocol,
  object: string | undefined,
): Promise<number> {
  const { towers, entry_handle, result } = await mapper.map({
    object: object ?? null,
    map_tower: { tower_octet_string: questionTower(wanted.syntax, protocol) },
    entry_handle: NULL_CONTEXT_HANDLE,
    max_towers: MAX_TOWERS,
  });
  if (entry_handle.uuid !== NULL_CONTEXT_HANDLE.uuid) await mapper.lookupHandleFree({ entry_handle });
  if (result !== EptStatus.ok && result !== EptStatus.not_registered) {
    throw new RpchError(
      'RPCH_MAPPER_FAILED',
      'peer',
      `the endpoint mapper answers with status 0x${result.toString(16)}`,
    );
  }
  for (const tower of towers) {
    const found = tower === null ? undefined : decodeTower(tower.tower_octet_string);
    if (found?.protocol === protocol && found.port !== 0) return found.port;
  }
  const what = `the endpoint mapper knows no endpoint of ${wanted.name} (${wanted.syntax.uuid}) over ${protocol}`;
  throw new RpchError('RPCH_NOT_REGISTERED', 'peer', what);
}
