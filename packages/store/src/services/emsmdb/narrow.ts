import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { Logon, type OpenObject } from './logon.ts';
import { AttachmentObject } from './objects/attachment-object.ts';
import { FolderObject, StoreObject } from './objects/folder-object.ts';
import { MessageObject } from './objects/message-object.ts';
import type { PropertyObject } from './objects/property-object.ts';
import { StreamObject } from './objects/stream-object.ts';
import { TableObject } from './objects/table-object.ts';

/**
 * What a ROP was called on, as what it needs. Each throws NotSupported for an object of another kind ([MS-OXCROPS] 3.2.5), and NotFound or
 * AccessDenied where the caller's rights to what he has opened were taken away.
 */
export function logonOf(object: OpenObject): Logon {
  if (object instanceof Logon) return object;
  throw wrong(object, 'a logon');
}

export function folderOf(object: OpenObject): FolderObject {
  if (object instanceof FolderObject) return object;
  throw wrong(object, 'a folder');
}

export function messageOf(object: OpenObject): MessageObject {
  if (!(object instanceof MessageObject)) throw wrong(object, 'a message');
  object.check();
  return object;
}

export function attachmentOf(object: OpenObject): AttachmentObject {
  if (!(object instanceof AttachmentObject)) throw wrong(object, 'an attachment');
  object.check();
  return object;
}

export function streamOf(object: OpenObject): StreamObject {
  if (object instanceof StreamObject) return object;
  throw wrong(object, 'a stream');
}

export function tableOf(object: OpenObject): TableObject['table'] {
  if (object instanceof TableObject) return object.table;
  throw wrong(object, 'a table');
}

/** What has properties; a logon stands for its store. */
export function propertiesOf(object: OpenObject): PropertyObject {
  if (object instanceof Logon) return new StoreObject(object);
  if (object instanceof FolderObject) return object;
  if (object instanceof MessageObject) return messageOf(object);
  if (object instanceof AttachmentObject) return attachmentOf(object);
  throw wrong(object, 'an object with properties');
}

function wrong(object: OpenObject, wanted: string): StoreError {
  return new StoreError(ErrorCode.NotSupported, `${wanted} is wanted, and this is one of kind ${object.kind}`);
}
