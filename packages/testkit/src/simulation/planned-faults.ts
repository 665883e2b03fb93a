/** When a fault happens. */
export type Moment =
  /** After so many steps of the world, or when so many RTS PDUs other than acknowledgements and Pings were sent. */
  | { readonly after: 'steps' | 'pdus'; readonly count: number }
  /** So many steps after the nth PDU of this name was sent. */
  | { readonly after: 'pdu'; readonly name: string; readonly nth: number; readonly steps: number };

/** Connections of a kind. */
export type ConnectionKind = 'C>IP' | 'C>OP' | 'IP>S' | 'OP>S' | 'B>S';

/** A process, by kind and for hosts by number. */
export type ProcessName = 'client' | `host ${number}` | 'server' | 'backend';

/** What becomes of the connections of a process that ends. */
export type Death = 'close' | 'reset' | 'vanish';

/** What a hostile party does, all of it beside its role, which it plays as well. */
export type HostileDeed =
  /** Any RTS PDU of the table, with cookies of its own, of others or made up, on any of its connections. */
  | 'rts'
  /** The same, of a recycling and with the right cookies: the recycling is answered at the wrong time. */
  | 'recycling'
  /** A connection that opens with any of the PDUs that may, naming the virtual connection. */
  | 'opening'
  /** An RPC PDU where none may come. */
  | 'rpc'
  /** One of its next PDUs twice. */
  | 'duplicate'
  /** An acknowledgement that it has sent before, as it was or with other figures. */
  | 'ack'
  /** RPC PDUs without regard to the window. */
  | 'overrun'
  /** Very many small RTS PDUs. */
  | 'flood'
  /** The same for the client, from the server. */
  | 'client-flood'
  /** It reads no more. */
  | 'deaf';

export type Fault =
  /** A process ends, and with it all its connections: closed, or reset, or nothing comes from them any more. */
  | { readonly kind: 'death'; readonly who: ProcessName; readonly how: Death; readonly when: Moment }
  /** The client's nth connection of a kind is refused, dies when its first PDU has arrived, or is swallowed. */
  | {
      readonly kind: 'refused' | 'cut-off' | 'swallowed';
      readonly channel: 'in' | 'out';
      readonly nth: number;
    }
  /** A host's nth connection to the server is refused. */
  | { readonly kind: 'unreachable'; readonly nth: number }
  /** One end of a connection, the oldest or newest of its kind, ends its direction and goes on reading. */
  | {
      readonly kind: 'half-close';
      readonly on: ConnectionKind;
      readonly which: 'oldest' | 'newest';
      readonly end: 'a' | 'b';
      readonly when: Moment;
    }
  /** Nothing arrives on a connection for so many ms: what is sent later on others overtakes it. */
  | {
      readonly kind: 'delay';
      readonly on: ConnectionKind;
      readonly which: 'oldest' | 'newest';
      readonly ms: number;
      readonly when: Moment;
    }
  /** Nothing arrives on a connection any more; TCP finds out after so many ms. */
  | {
      readonly kind: 'stall';
      readonly on: ConnectionKind;
      readonly which: 'oldest' | 'newest';
      readonly noticed: number;
      readonly when: Moment;
    }
  /**
   * In the nth PDU of this name one of its cookies, counted from the last, is another one. `mustEnd`: somebody is certain to
   * have to compare it.
   */
  | {
      readonly kind: 'wrong-cookie';
      readonly pdu: string;
      readonly nth: number;
      readonly fromLast: number;
      readonly mustEnd: boolean;
    }
  /** The nth PDU of this name is never sent. */
  | { readonly kind: 'lost'; readonly pdu: string; readonly nth: number }
  /** The OUT channels of a host move away: none is lost. */
  | { readonly kind: 'drain'; readonly host: number; readonly when: Moment }
  | {
      readonly kind: 'hostile';
      readonly who: ProcessName;
      readonly deed: HostileDeed;
      readonly times: number;
      readonly when: Moment;
    };

/** Whether a schedule with this fault may end before everything is delivered. */
export function mayEnd(fault: Fault): boolean {
  return fault.kind !== 'drain' && fault.kind !== 'delay';
}

/**
 * Whether somebody may find fault with what comes after it: a party breaks the rules of the protocol, or what one party
 * sent does not come, and after a while another does what only makes sense when it has come.
 */
export function excusesProtocolErrors({ kind }: Fault): boolean {
  return breaksRules(kind) || kind === 'stall';
}

/** Whether a party breaks the rules of the protocol by it. */
export function breaksRules(kind: Fault['kind']): boolean {
  return kind === 'hostile' || kind === 'wrong-cookie' || kind === 'lost';
}
