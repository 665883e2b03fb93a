import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import { PduType } from '../dcerpc/header.ts';
import { ProtocolError } from '../errors.ts';
import {
  COMMANDS,
  type CommandCodec,
  type CommandName,
  CommandType,
  type CommandValues,
  commandName,
  type Destination,
} from './commands.ts';

/** Flags of the RTS header ([MS-RPCH] 2.2.3.6.1). */
export const RtsFlag = {
  NONE: 0x0000,
  PING: 0x0001,
  OTHER_CMD: 0x0002,
  RECYCLE_CHANNEL: 0x0004,
  IN_CHANNEL: 0x0008,
  OUT_CHANNEL: 0x0010,
  EOF: 0x0020,
  ECHO: 0x0040,
} as const;

/** Size of the RTS header in bytes. */
export const RTS_HEADER_LENGTH = 20;
/** No defined PDU has more commands than OUT_R1/A4 and CONN/B2. */
const MAX_COMMANDS = 7;
const SECTION = '[MS-RPCH] 2.2.3.6';

/** One command as it came in. */
export interface RtsCommand {
  readonly name: CommandName;
  readonly value: CommandValues[CommandName];
}

/** An RTS PDU taken apart, before it is known which one it is: several share their commands and differ in state only. */
export interface RtsPdu {
  readonly flags: number;
  readonly commands: readonly RtsCommand[];
}

/**
 * Takes an RTS PDU apart ([MS-RPCH] 2.2.3.6). `bytes` is one whole PDU of type RTS. Throws {@link ProtocolError} for a
 * header that differs from the specification's, an unknown command, a value out of range, and bytes left over. call_id is
 * not looked at: gromox echoes the request's.
 */
export function parseRts(bytes: Uint8Array): RtsPdu {
  const cursor = new Cursor(bytes, 'RTS PDU');
  cursor.skip(3);
  const pfcFlags = cursor.u8();
  const drep = cursor.u32();
  cursor.skip(2);
  const authLength = cursor.u16();
  cursor.skip(4);
  const flags = cursor.u16();
  const count = cursor.u16();
  if (pfcFlags !== 0x03 || drep !== 0x10 || authLength !== 0 || count > MAX_COMMANDS) {
    throw new ProtocolError('RPCH_RTS_HEADER', 'header of an RTS PDU is not as specified', SECTION);
  }
  const commands: RtsCommand[] = [];
  for (let i = 0; i < count; i++) {
    const type = cursor.u32();
    const name = commandName(type);
    if (name === undefined) {
      throw new ProtocolError('RPCH_RTS_COMMAND', `RTS command ${type} does not exist`, SECTION);
    }
    commands.push({ name, value: COMMANDS[name].read(cursor) });
  }
  cursor.end();
  return { flags, commands };
}

/** Whom a PDU is for; undefined for one that is not relayed ([MS-RPCH] 3.2.1.5.2: the destination is the first command). */
export function destinationOf(pdu: RtsPdu): Destination | undefined {
  const [first] = pdu.commands;
  return first?.name === 'Destination' ? (first.value as Destination) : undefined;
}

/** A field of an RTS PDU: the command that carries it and the name by which it is known in that PDU. */
export type Field = readonly [command: CommandName, field: string];

type Carried<F extends Field> = CommandValues[F[0]];
/** The values of a PDU's fields, by field name; commands that carry no value are left out. */
export type FieldValues<Fields extends readonly Field[]> = {
  [F in Fields[number] as Carried<F> extends undefined ? never : F[1]]: Carried<F>;
};

/** One row of the specification's table of RTS PDUs: what it consists of, and its codec. */
export interface RtsDefinition<Fields extends readonly Field[]> {
  readonly name: string;
  /** Section of [MS-RPCH]. */
  readonly section: string;
  readonly flags: number;
  readonly fields: Fields;
  /** Whether a PDU has this row's flags and commands, in order. Rows may share a signature: state tells them apart. */
  matches(pdu: RtsPdu): boolean;
  /** The fields of a PDU; throws {@link ProtocolError} when it is another one. */
  decode(pdu: RtsPdu): FieldValues<Fields>;
  encode(values: FieldValues<Fields>): Uint8Array;
}

/** Makes a row of the table. */
export function defineRts<const Fields extends readonly Field[]>(
  name: string,
  section: string,
  flags: number,
  fields: Fields,
): RtsDefinition<Fields> {
  const matches = (pdu: RtsPdu): boolean =>
    pdu.flags === flags &&
    pdu.commands.length === fields.length &&
    fields.every(([command], i) => pdu.commands[i]?.name === command);
  return {
    name,
    section: `[MS-RPCH] ${section}`,
    flags,
    fields,
    matches,
    decode: (pdu) => {
      if (!matches(pdu)) throw unexpectedRts(pdu, [name], `[MS-RPCH] ${section}`);
      const values: Record<string, unknown> = {};
      fields.forEach(([, field], i) => {
        values[field] = pdu.commands[i]?.value;
      });
      return values as FieldValues<Fields>;
    },
    encode: (values) => encode(flags, fields, values as Record<string, unknown>),
  };
}

function encode(flags: number, fields: readonly Field[], values: Record<string, unknown>): Uint8Array {
  let length = RTS_HEADER_LENGTH;
  for (const [command, field] of fields) {
    length += 4 + (COMMANDS[command] as CommandCodec<unknown>).size(values[field]);
  }
  const writer = new Writer(length);
  writer.u8(5).u8(0).u8(PduType.rts).u8(0x03).u32(0x10).u16(length).u16(0).u32(0).u16(flags).u16(fields.length);
  for (const [command, field] of fields) {
    writer.u32(CommandType[command]);
    (COMMANDS[command] as CommandCodec<unknown>).write(writer, values[field]);
  }
  return writer.finish();
}

/** The error for an RTS PDU that must not come now: it lists what could have come and what did. */
export function unexpectedRts(pdu: RtsPdu, expected: readonly string[], section: string): ProtocolError {
  return new ProtocolError(
    'RPCH_RTS_UNEXPECTED',
    `expected ${expected.join(' or ') || 'no RTS PDU'}, got RTS flags 0x${pdu.flags.toString(16)} with [${pdu.commands.map((c) => c.name).join(', ')}]`,
    section,
  );
}
