import { Right } from '../../mailbox/permissions.ts';

/** What lets somebody learn that a folder is there: free/busy data come another way, and a contact is only named. */
const SEES = Right.FolderVisible | Right.FolderOwner;

/** Whether who has these rights may learn that the folder is there. */
export function maySee(rights: number): boolean {
  return (rights & SEES) !== 0;
}

/** Whether these rights have all of `wanted`; an owner has every right to the folder, if not to the messages in it. */
export function has(rights: number, wanted: number): boolean {
  return (rights & wanted) === wanted;
}
