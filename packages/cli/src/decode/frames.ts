/** Link types that are understood, by LINKTYPE_ number. */
const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const EtherType = { IPV4: 0x0800, IPV6: 0x86dd } as const;
/** 802.1Q, 802.1ad, and what was used before it. */
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);
const MAX_VLAN_TAGS = 4;

/** Whether packets of this link type can be read. */
export function knowsLinkType(linkType: number): boolean {
  return Object.values(LinkType).includes(linkType as (typeof LinkType)[keyof typeof LinkType]);
}

/** The IP datagram in a frame: a view; undefined where it holds something else, or too little. */
export function datagramOf(linkType: number, frame: Uint8Array): Uint8Array | undefined {
  switch (linkType) {
    case LinkType.ETHERNET:
      return behindEtherType(frame, 12);
    case LinkType.LINUX_SLL:
      return isIp(u16(frame, 14)) ? frame.subarray(16) : undefined;
    case LinkType.LINUX_SLL2:
      return isIp(u16(frame, 0)) ? frame.subarray(20) : undefined;
    case LinkType.NULL:
    case LinkType.LOOP:
      // An address family in one byte order or the other; what it stands for differs between systems, but IP says its version.
      return frame.subarray(4);
    case LinkType.RAW:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      return frame;
    default:
      return undefined;
  }
}

/** The link type of a frame of which only the bytes are known; undefined where they are no frame that holds IP. */
export function guessLinkType(frame: Uint8Array): number | undefined {
  const candidates = [LinkType.ETHERNET, LinkType.RAW, LinkType.LINUX_SLL, LinkType.LINUX_SLL2, LinkType.NULL];
  return candidates.find((linkType) => {
    const datagram = datagramOf(linkType, frame);
    if (datagram === undefined) return false;
    const version = (datagram[0] ?? 0) >> 4;
    if (version === 4)
      return datagram.length >= 20 && (datagram[0] ?? 0) % 16 >= 5 && fits(u16(datagram, 2), datagram.length);
    return version === 6 && datagram.length >= 40 && fits(u16(datagram, 4) + 40, datagram.length);
  });
}

/** A frame may be padded, to 60 bytes by Ethernet. */
function fits(length: number, captured: number): boolean {
  return length >= 20 && length <= captured && captured - length < 64;
}

function behindEtherType(frame: Uint8Array, start: number): Uint8Array | undefined {
  let at = start;
  for (let tags = 0; tags < MAX_VLAN_TAGS && VLAN_TAGS.has(u16(frame, at)); tags++) at += 4;
  return isIp(u16(frame, at)) ? frame.subarray(at + 2) : undefined;
}

function isIp(etherType: number): boolean {
  return etherType === EtherType.IPV4 || etherType === EtherType.IPV6;
}

/** Big-endian; 0 past the end. */
function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
