import type { Measurement } from './measurements.ts';

/** What a ratio of two measurements must reach; where there is no goal it is told all the same. */
export interface Goal {
  readonly title: string;
  readonly of: Measurement;
  readonly to: Measurement;
  readonly least?: number;
}

/** What is promised of mail: client and server pinned to a core each, medians of the rounds of one run. */
export const GOALS: readonly Goal[] = [
  { title: 'first page, 1 client, to SQL', of: 'pages-1', to: 'sql', least: 0.4 },
  { title: 'first page, 16 clients, to SQL', of: 'pages-16', to: 'sql', least: 0.4 },
  { title: 'first page, 64 clients, to SQL', of: 'pages-64', to: 'sql', least: 0.4 },
  { title: 'pages anywhere, 16 clients, to SQL', of: 'pages anywhere-16', to: 'sql anywhere', least: 0.4 },
  { title: 'compressed, 16 clients, to SQL', of: 'pages packed-16', to: 'sql' },
  { title: 'sealed, 16 clients, to SQL', of: 'pages sealed-16', to: 'sql' },
  { title: 'first page, 1 client, to echo', of: 'pages-1', to: 'echo-1' },
  { title: 'first page, 16 clients, to echo', of: 'pages-16', to: 'echo-16' },
  { title: 'first page, 64 clients, to echo', of: 'pages-64', to: 'echo-64' },
  { title: 'sealed, 16 clients, to sealed echo', of: 'pages sealed-16', to: 'echo sealed-16' },
  { title: 'address book, 1 client, to echo', of: 'book-1', to: 'book echo-1', least: 0.5 },
  { title: 'address book, 16 clients, to echo', of: 'book-16', to: 'book echo-16', least: 0.5 },
  { title: 'address book, sealed, 16 clients, to sealed echo', of: 'book sealed-16', to: 'book echo sealed-16' },
];

/** Bytes that an idle session may take. */
export const MAX_SESSION = 100 * 1024;
