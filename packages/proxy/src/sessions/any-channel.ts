import type { InChannel } from './in-channel.ts';
import type { OutChannel } from './out-channel.ts';

/** A connection of a client, of either kind. */
export type AnyChannel = InChannel | OutChannel;
