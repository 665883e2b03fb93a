/** Where a client is. */
export interface Origin {
  /** Its address: by this it is slowed down and limited, known in the log, and named to RPC servers. */
  readonly address: string;
  /** The trusted proxy that said so; absent where whoever has connected is the client. */
  readonly via?: string;
}
