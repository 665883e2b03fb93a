import { writeFileSync } from 'node:fs';

/** One TCP connection of a made-up capture: what each side sent, one packet for each element. */
export interface Conversation {
  readonly clientPort: number;
  readonly serverPort: number;
  readonly fromClient: readonly Uint8Array[];
  readonly fromServer: readonly Uint8Array[];
}

const LINKTYPE_RAW = 101;
const SNAPLEN = 262144;
const IP_HEADER = 20;
const TCP_HEADER = 20;
/** IPv4's total length is a 16-bit number. */
const MAX_PAYLOAD = 65535 - IP_HEADER - TCP_HEADER;
const TCP_ACK_PSH = 0x18;

/** Writes conversations as {@link pcapOf} has them to a file. */
export function writePcap(file: string, conversations: readonly Conversation[]): void {
  writeFileSync(file, pcapOf(conversations));
}

/**
 * Conversations between two loopback addresses as a pcap file of raw IPv4, for dissectors to read. Checksums are left 0, which
 * tshark does not look at.
 */
export function pcapOf(conversations: readonly Conversation[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAPLEN, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return Buffer.concat([header, ...conversations.flatMap(packetsOf)]);
}

function packetsOf(conversation: Conversation): Buffer[] {
  const { clientPort, serverPort, fromClient, fromServer } = conversation;
  return [...direction(clientPort, serverPort, fromClient), ...direction(serverPort, clientPort, fromServer)];
}

function direction(from: number, to: number, payloads: readonly Uint8Array[]): Buffer[] {
  const packets: Buffer[] = [];
  let sequence = 1;
  for (const payload of payloads) {
    for (let at = 0; at < payload.length; at += MAX_PAYLOAD) {
      const part = payload.subarray(at, at + MAX_PAYLOAD);
      packets.push(packet(from, to, sequence, part));
      sequence += part.length;
    }
  }
  return packets;
}

function packet(from: number, to: number, sequence: number, payload: Uint8Array): Buffer {
  const length = IP_HEADER + TCP_HEADER + payload.length;
  const head = Buffer.alloc(16 + IP_HEADER + TCP_HEADER);
  head.writeUInt32LE(length, 8);
  head.writeUInt32LE(length, 12);
  const ip = head.subarray(16);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(6, 9);
  ip.writeUInt32BE(0x7f000001, 12);
  ip.writeUInt32BE(0x7f000001, 16);
  const tcp = ip.subarray(IP_HEADER);
  tcp.writeUInt16BE(from, 0);
  tcp.writeUInt16BE(to, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt32BE(1, 8);
  tcp.writeUInt8((TCP_HEADER / 4) << 4, 12);
  tcp.writeUInt8(TCP_ACK_PSH, 13);
  tcp.writeUInt16BE(0xffff, 14);
  return Buffer.concat([head, payload]);
}
