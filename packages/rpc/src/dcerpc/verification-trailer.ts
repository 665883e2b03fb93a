import { sameBytes } from '../bytes/equal.ts';
import { ProtocolError } from '../errors.ts';
import { DrepReader, DrepWriter, packedDrep } from './drep.ts';
import { PduType } from './header.ts';
import { readSyntaxId, type SyntaxId, sameSyntax, writeSyntaxId } from './syntax-id.ts';

const SECTION = '[MS-RPCE] 2.2.2.13';

/** rpc_sec_verification_trailer ([MS-RPCE] 2.2.2.13.1). */
const SIGNATURE = Uint8Array.of(0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71);
/** SEC_VT_COMMAND_* in the low 14 bits of command. */
const Command = { BITMASK_1: 1, PCONTEXT: 2, HEADER2: 3 } as const;
const COMMAND_MASK = 0x3fff;
const COMMAND_END = 0x4000;
const MUST_PROCESS_COMMAND = 0x8000;
const COMMAND_HEADER_LENGTH = 4;
/** Lengths of the commands without their headers. */
const BITMASK_LENGTH = 4;
const PCONTEXT_LENGTH = 0x28;
const HEADER2_LENGTH = 0x10;
const CLIENT_SUPPORT_HEADER_SIGNING = 1;
const ALIGNMENT = 4;
/** How far from the end a trailer is looked for: Samba's limit; all known commands together take 84 bytes. */
const SEARCH_LENGTH = 1024;

/** The part of a request's header that a trailer repeats where nothing else protects it. */
export interface VerifiedHeader {
  readonly littleEndian: boolean;
  readonly callId: number;
  readonly contextId: number;
  readonly opnum: number;
}

/** The syntaxes of a presentation context, as they were agreed on. */
export interface VerifiedContext {
  readonly abstractSyntax: SyntaxId;
  readonly transferSyntax: SyntaxId;
}

/** What a client puts into a verification trailer; undefined leaves a command out. */
export interface VerificationCommands {
  /** rpc_sec_vt_bitmask: whether this client has set PFC_SUPPORT_HEADER_SIGN in its bind. */
  readonly headerSigning: boolean | undefined;
  /** rpc_sec_vt_pcontext. */
  readonly context: VerifiedContext | undefined;
  /** rpc_sec_vt_header2. */
  readonly header: VerifiedHeader | undefined;
}

/**
 * The verification trailer that follows a stub of `stubLength` bytes, with the padding before it ([MS-RPCE] 2.2.2.13);
 * undefined where there is no command to send.
 */
export function encodeVerificationTrailer(stubLength: number, commands: VerificationCommands): Uint8Array | undefined {
  const { headerSigning, context, header } = commands;
  let left = (headerSigning === undefined ? 0 : 1) + (context === undefined ? 0 : 1) + (header === undefined ? 0 : 1);
  if (left === 0) return undefined;
  // all fields are little-endian, whatever the PDU is
  const writer = new DrepWriter(true, 96);
  writer.zeros((ALIGNMENT - (stubLength % ALIGNMENT)) % ALIGNMENT).bytes(SIGNATURE);
  const begin = (command: number, length: number) =>
    writer.u16(--left === 0 ? command | COMMAND_END : command).u16(length);
  if (headerSigning !== undefined) {
    begin(Command.BITMASK_1, BITMASK_LENGTH).u32(headerSigning ? CLIENT_SUPPORT_HEADER_SIGNING : 0);
  }
  if (context !== undefined) {
    begin(Command.PCONTEXT, PCONTEXT_LENGTH);
    writeSyntaxId(writer, context.abstractSyntax);
    writeSyntaxId(writer, context.transferSyntax);
  }
  if (header !== undefined) {
    // PTYPE u8, reserved u8, reserved u16, drep 4, call_id u32, p_cont_id u16, opnum u16
    begin(Command.HEADER2, HEADER2_LENGTH).u8(PduType.request).zeros(3).bytes(packedDrep(header.littleEndian));
    writer.u32(header.callId).u16(header.contextId).u16(header.opnum);
  }
  return writer.finish();
}

/** What a server compares a verification trailer with. */
export interface VerificationExpected extends VerifiedHeader {
  /** PFC_SUPPORT_HEADER_SIGN was set in the client's bind or alter_context. */
  readonly headerSigning: boolean;
  readonly context: VerifiedContext;
}

/**
 * The length of a whole request's stub without the verification trailer that may follow it, whose commands are compared
 * with `expected`. The signature is looked for in the last 1,024 bytes, from the end.
 *
 * A command that does not hold, that is malformed, or that must be processed and is unknown, throws a {@link
 * ProtocolError} `RPCH_BAD_VERIFICATION_TRAILER`; the answer to that is a fault of status access_denied. Only requests
 * that are signed may be looked at so: in others the bytes may be anybody's, and a stub may end in anything.
 */
export function verifyTrailer(stub: Uint8Array, expected: VerificationExpected): number {
  const at = find(stub);
  if (at === undefined) return stub.length;
  const reader = new DrepReader(stub, true, SECTION, at + SIGNATURE.length);
  for (;;) {
    if (reader.remaining < COMMAND_HEADER_LENGTH) throw bad('it ends without its last command');
    const command = reader.u16();
    const length = reader.u16();
    if (length > reader.remaining || length % ALIGNMENT !== 0) throw bad(`a command of ${length} bytes`);
    verifyCommand(command, new DrepReader(reader.bytes(length), true, SECTION), expected);
    if ((command & COMMAND_END) !== 0) return at;
  }
}

function verifyCommand(command: number, body: DrepReader, expected: VerificationExpected): void {
  const length = body.remaining;
  switch (command & COMMAND_MASK) {
    case Command.BITMASK_1:
      if (length !== BITMASK_LENGTH) throw bad(`a bitmask of ${length} bytes`);
      if ((body.u32() & CLIENT_SUPPORT_HEADER_SIGNING) !== 0 && !expected.headerSigning) {
        throw bad('the client has header signing, its bind said that it has not');
      }
      return;
    case Command.PCONTEXT:
      if (length !== PCONTEXT_LENGTH) throw bad(`a presentation context of ${length} bytes`);
      if (
        !sameSyntax(readSyntaxId(body), expected.context.abstractSyntax) ||
        !sameSyntax(readSyntaxId(body), expected.context.transferSyntax)
      ) {
        throw bad('another presentation context was agreed on');
      }
      return;
    case Command.HEADER2:
      if (length !== HEADER2_LENGTH) throw bad(`a header of ${length} bytes`);
      verifyHeader(body, expected);
      return;
    default:
      if ((command & MUST_PROCESS_COMMAND) !== 0) throw bad(`command ${command & COMMAND_MASK} is not known`);
  }
}

function verifyHeader(body: DrepReader, expected: VerificationExpected): void {
  const ptype = body.u8();
  body.skip(3);
  const sameDrep = sameBytes(body.bytes(4), packedDrep(expected.littleEndian));
  const sameCall = body.u32() === expected.callId;
  const sameContext = body.u16() === expected.contextId;
  if (ptype !== PduType.request || !sameDrep || !sameCall || !sameContext || body.u16() !== expected.opnum) {
    throw bad('another header was sent');
  }
}

/** Where the last signature begins: anywhere, for the fragments of others need not be multiples of 4. */
function find(stub: Uint8Array): number | undefined {
  const lowest = Math.max(0, stub.length - SEARCH_LENGTH);
  for (let at = stub.length - SIGNATURE.length; at >= lowest; at--) {
    if (stub[at] === SIGNATURE[0] && sameBytes(stub.subarray(at, at + SIGNATURE.length), SIGNATURE)) return at;
  }
  return undefined;
}

function bad(why: string): ProtocolError {
  return new ProtocolError('RPCH_BAD_VERIFICATION_TRAILER', `verification trailer: ${why}`, SECTION);
}
