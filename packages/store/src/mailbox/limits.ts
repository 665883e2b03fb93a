/** Bytes that a message may have in all, recipients, attachments and embedded messages included; larger ones are TooBig. */
export const MAX_MESSAGE_SIZE = 128 * 1024 * 1024;
/** Bytes that all properties of a folder, or of the store object, may have. */
export const MAX_FOLDER_SIZE = 1024 * 1024;
/** Recipients of a message. */
export const MAX_RECIPIENTS = 32_767;
/** Attachments of a message. */
export const MAX_ATTACHMENTS = 4096;
/** How deep messages may be embedded in each other. */
export const MAX_EMBEDDED_DEPTH = 16;
/** Characters of a folder's name. */
export const MAX_FOLDER_NAME = 255;
/** How deep folders may be nested. */
export const MAX_FOLDER_DEPTH = 300;
/** Search folders of a mailbox, its own one among them. */
export const MAX_SEARCH_FOLDERS = 64;
/** Properties of one object. */
export const MAX_PROPERTIES = 16_384;
/** Days for which soft-deleted messages are kept unless it is said otherwise: Exchange's default. */
export const KEEP_DELETED = 14;
/** Ids that a client may reserve at once: as many as it is recommended to want at most ([MS-OXCFXICS] 3.3.5.8.12). */
export const MAX_RESERVED_IDS = 0x1_0000;
/** Ranges of ids in the deleted item list of a folder. */
export const MAX_DELETED_RANGES = 8192;
/** Public folders of which a mailbox keeps what its owner has read: as many as one response can tell. */
export const MAX_PER_USER_ENTRIES = 1024;
/** Bytes of what was read of one public folder, and of all. */
export const MAX_PER_USER_SIZE = 128 * 1024;
export const MAX_PER_USER_TOTAL = 16 * 1024 * 1024;
