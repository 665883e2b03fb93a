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
