import { FolderId } from '../../src/mailbox/folder-ids.ts';
import type { Mailbox } from '../../src/mailbox/mailbox.ts';
import { SearchFlag } from '../../src/mailbox/search-criteria.ts';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FolderType } from '../../src/mapi/property-values.ts';
import { BitmapRelOp, FuzzyHigh, FuzzyLow, type Restriction } from '../../src/mapi/restriction.ts';
import { SortDirection } from '../../src/mapi/sort-order.ts';
import { CODING, firstColumn } from '../tables/support.ts';

export const UNREAD: Restriction = { kind: 'bitmask', relOp: BitmapRelOp.Zero, tag: PidTag.MessageFlags, mask: 1 };

export function contains(tag: number, value: string): Restriction {
  return {
    kind: 'content',
    fuzzyLow: FuzzyLow.Substring,
    fuzzyHigh: FuzzyHigh.IgnoreCase,
    tag,
    valueTag: tag,
    value,
  };
}

export function newSearch(mailbox: Mailbox, name = 'Found', parent: number = FolderId.Finder): number {
  return mailbox.folders.create(parent, { name, type: FolderType.Search }).id;
}

export function search(
  mailbox: Mailbox,
  restriction: Restriction,
  scopes: readonly number[],
  flags: number = SearchFlag.Restart,
): number {
  const folder = newSearch(mailbox);
  mailbox.searches.set(folder, { restriction, scopes, flags });
  return folder;
}

export function subjects(mailbox: Mailbox, folder: number): readonly unknown[] {
  const table = new ContentsTable({ index: mailbox.contents, folder, associated: false, coding: CODING });
  table.setColumns([PidTag.Subject]);
  table.sort({ orders: [{ tag: PidTag.Subject, order: SortDirection.Ascending }], categories: 0, expanded: 0 });
  const found = firstColumn(table);
  table.close();
  return found;
}
