import type { DrepReader, DrepWriter } from './drep.ts';

/**
 * p_syntax_id_t: an interface or a transfer syntax (C706 12.6.3.1). Of an interface, the version's low 16 bits are the
 * major and its high 16 bits the minor version.
 */
export interface SyntaxId {
  readonly uuid: string;
  /** if_version, 32 bits. */
  readonly version: number;
}

/** NDR, version 2.0 (C706 14). */
export const NDR: SyntaxId = { uuid: '8a885d04-1ceb-11c9-9fe8-08002b104860', version: 2 };
/** NDR64, version 1.0 ([MS-RPCE] 2.2.5). */
export const NDR64: SyntaxId = { uuid: '71710533-beba-4937-8319-b5dbef9ccc36', version: 1 };
/** What stands in a result that accepts nothing. */
export const NO_SYNTAX: SyntaxId = { uuid: '00000000-0000-0000-0000-000000000000', version: 0 };

/** Bits of bind-time feature negotiation ([MS-RPCE] 2.2.2.14). */
export const BindTimeFeature = {
  SECURITY_CONTEXT_MULTIPLEXING: 0x01,
  KEEP_CONNECTION_ON_ORPHAN: 0x02,
} as const;

/** The first 8 bytes of the UUID in text form; the other 8 are the bitmask, whose low byte comes first. */
const FEATURE_PREFIX = '6cb71c2c-9812-4540-';
const FEATURE_VERSION = 1;

/** The bits that a bind-time feature negotiation syntax asks for; undefined of every other syntax ([MS-RPCE] 2.2.2.14). */
export function bindTimeFeatures(syntax: SyntaxId): number | undefined {
  if (syntax.version !== FEATURE_VERSION || !syntax.uuid.startsWith(FEATURE_PREFIX)) return undefined;
  return Number.parseInt(syntax.uuid.slice(FEATURE_PREFIX.length, FEATURE_PREFIX.length + 2), 16);
}

/** The syntax that asks for the features `bits`, 0 to 255 ([MS-RPCE] 2.2.2.14). */
export function bindTimeFeatureSyntax(bits: number): SyntaxId {
  return { uuid: `${FEATURE_PREFIX}${bits.toString(16).padStart(2, '0')}00-000000000000`, version: FEATURE_VERSION };
}

/** if_version of an interface version (C706 12.6.3.1). */
export function ifVersion(major: number, minor: number): number {
  return ((minor << 16) | major) >>> 0;
}

export function sameSyntax(a: SyntaxId, b: SyntaxId): boolean {
  return a.uuid === b.uuid && a.version === b.version;
}

/** Whether a server of `offered` can serve a client of `wanted`: same major, no lower minor version (C706 6.1.2). */
export function serves(offered: SyntaxId, wanted: SyntaxId): boolean {
  return (
    offered.uuid === wanted.uuid &&
    (offered.version & 0xffff) === (wanted.version & 0xffff) &&
    offered.version >>> 16 >= wanted.version >>> 16
  );
}

/** 20 bytes: UUID, if_version u32. */
export function readSyntaxId(reader: DrepReader): SyntaxId {
  return { uuid: reader.uuid(), version: reader.u32() };
}

export function writeSyntaxId(writer: DrepWriter, syntax: SyntaxId): void {
  writer.uuid(syntax.uuid).u32(syntax.version);
}
