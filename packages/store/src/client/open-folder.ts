import type { ObjectId } from '../mapi/object-id.ts';
import { OpenFolder } from '../mapi/rops/folder.ts';
import type { RemoteObject } from './property-stream.ts';
import type { RopBatch } from './rop-batch.ts';

/** A folder that is opened within a batch. */
export interface FolderOpening {
  /** The index of its handle. */
  readonly handleIndex: number;
  /** To be called once the batch has run, when the folder's handle is needed no more: throws what the server has answered. */
  done(): void;
}

/** Adds RopOpenFolder to a batch. What is opened from the folder, such as a table, lives without it. */
export function addFolder(
  batch: RopBatch,
  { session, logonId, handle }: RemoteObject,
  folderId: ObjectId,
): FolderOpening {
  const handleIndex = batch.newHandle();
  const opened = batch.add(OpenFolder, {
    logonId,
    inputHandleIndex: batch.handle(handle),
    outputHandleIndex: handleIndex,
    folderId,
    openModeFlags: 0,
  });
  return {
    handleIndex,
    done: () => {
      session.discard(logonId, batch.handleAt(handleIndex));
      void opened.value;
    },
  };
}
