/** Multiparts within multiparts of one message; what is deeper stays one text. */
export const MAX_NESTING = 32;
/** Messages within messages; a deeper one stays the bytes of an attachment. */
export const MAX_MESSAGE_NESTING = 8;
/** Parts of a message and of all messages in it; the last one that is cut out keeps what follows. */
export const MAX_PARTS = 1000;
/** Calendars of a message and of all messages in it that are read; other messages stay mail with a calendar file. */
export const MAX_CALENDARS = 20;
/** Bytes of one header block that are read; fields behind them are passed over. */
export const MAX_HEADER_BYTES = 1024 * 1024;
/** Fields of one header block that are read. */
export const MAX_HEADER_FIELDS = 2000;
/** Characters of one field's value that are read. */
export const MAX_FIELD_VALUE = 512 * 1024;
/** Characters of a Content-Type or Content-Disposition that are read. */
export const MAX_STRUCTURED_VALUE = 16 * 1024;
/** Parameters of one Content-Type or Content-Disposition. */
export const MAX_PARAMETERS = 64;
/** Characters of a boundary: RFC 2046 5.1.1 allows 70, and some programs write more. */
export const MAX_BOUNDARY = 256;
/** Recipients of one message: To, Cc and Bcc together. */
export const MAX_RECIPIENTS = 5000;
