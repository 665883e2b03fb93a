import type { MessageContent } from '../../../mailbox/model.ts';
import type { PropertyTag } from '../../../mapi/property.ts';
import { Access } from '../../../mapi/property-values.ts';
import type { AttachmentObject } from './attachment-object.ts';
import { contentSize, Holding } from './holding.ts';
import { type Base, MessageObject, numbered, type Place } from './message-object.ts';

/** A message that an attachment embeds: saved, it is the attachment's, which must be saved in turn. */
export class EmbeddedMessage extends MessageObject {
  readonly attachment: AttachmentObject;
  readonly #held: Holding;
  #content: MessageContent | undefined;

  constructor(attachment: AttachmentObject, content: MessageContent | undefined, writable: boolean) {
    super(attachment.logon, content && numbered(baseOf(content)), writable);
    this.attachment = attachment;
    this.#held = new Holding((bytes) => attachment.logon.session.allowance.use(bytes));
    try {
      this.#hold(content);
    } catch (error) {
      super.close();
      throw error;
    }
  }

  /** All of it is in memory, not only what is its own. */
  #hold(content: MessageContent | undefined): void {
    this.#held.become(content === undefined ? 0 : contentSize(content));
    this.#content = content;
  }

  override close(): void {
    super.close();
    this.#held.become(0);
  }

  get lockName(): string | object {
    const { lockName } = this.attachment;
    return typeof lockName === 'string' ? `${lockName} embedded` : this;
  }

  get folder(): undefined {
    return undefined;
  }

  check(): void {
    this.attachment.check();
  }

  get depth(): number {
    return this.attachment.depth + 1;
  }

  protected get access(): number {
    return this.writable ? Access.Read | Access.Modify : Access.Read;
  }

  protected get place(): Place {
    const find = (number: number) => this.#content?.attachments.find((each) => each.number === number);
    return {
      save: (_change, content) => {
        const whole = content();
        this.#hold(whole);
        this.attachment.embed(whole);
        this.rebase({ ...baseOf(whole), recipients: this.recipients });
        return undefined;
      },
      load: (tag) => this.#content?.properties.get(tag),
      loadAttachment: (number, tag) => find(number)?.properties.get(tag),
      loadEmbedded: (number) => find(number)?.embedded,
    };
  }
}

const NOTHING_LARGE: ReadonlyMap<PropertyTag, number> = new Map();

/** A message that is all in memory, as one that is stored. */
function baseOf({ properties, recipients, attachments }: MessageContent): Base {
  return {
    properties: new Map(properties),
    large: NOTHING_LARGE,
    recipients,
    attachments: attachments.map(({ number, properties: own, embedded }) => {
      return { number, properties: new Map(own), large: NOTHING_LARGE, embeds: embedded !== undefined };
    }),
  };
}
