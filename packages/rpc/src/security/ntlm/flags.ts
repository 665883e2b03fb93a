/** Bits of NegotiateFlags; the names are the specification's without their prefix NTLMSSP_ ([MS-NLMP] 2.2.2.5). */
export const NegotiateFlag = {
  NEGOTIATE_UNICODE: 0x0000_0001,
  NEGOTIATE_OEM: 0x0000_0002,
  REQUEST_TARGET: 0x0000_0004,
  NEGOTIATE_SIGN: 0x0000_0010,
  NEGOTIATE_SEAL: 0x0000_0020,
  NEGOTIATE_DATAGRAM: 0x0000_0040,
  NEGOTIATE_LM_KEY: 0x0000_0080,
  NEGOTIATE_NTLM: 0x0000_0200,
  ANONYMOUS: 0x0000_0800,
  NEGOTIATE_OEM_DOMAIN_SUPPLIED: 0x0000_1000,
  NEGOTIATE_OEM_WORKSTATION_SUPPLIED: 0x0000_2000,
  NEGOTIATE_ALWAYS_SIGN: 0x0000_8000,
  TARGET_TYPE_DOMAIN: 0x0001_0000,
  TARGET_TYPE_SERVER: 0x0002_0000,
  NEGOTIATE_EXTENDED_SESSIONSECURITY: 0x0008_0000,
  NEGOTIATE_IDENTIFY: 0x0010_0000,
  REQUEST_NON_NT_SESSION_KEY: 0x0040_0000,
  NEGOTIATE_TARGET_INFO: 0x0080_0000,
  NEGOTIATE_VERSION: 0x0200_0000,
  NEGOTIATE_128: 0x2000_0000,
  NEGOTIATE_KEY_EXCH: 0x4000_0000,
  NEGOTIATE_56: 0x8000_0000,
} as const;

/** Whether any of `bits` is set in `flags`. */
export function hasFlag(flags: number, bits: number): boolean {
  return (flags & bits) !== 0;
}

/** The names of the bits set in `flags`, for logs; bits without a name are left out. */
export function describeNegotiateFlags(flags: number): string[] {
  return Object.entries(NegotiateFlag)
    .filter(([, bit]) => hasFlag(flags, bit))
    .map(([name]) => name);
}
