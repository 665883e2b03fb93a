import { type DemoMail, MailMaker } from './mail-maker.ts';
import { putDrafts, putReports } from './report-mails.ts';
import { putAlerts, putBuilds, putMeetings, putNewsletters, putOrders, putTickets } from './serial-mails.ts';
import { putThreads } from './thread-mails.ts';

export type { DemoMail } from './mail-maker.ts';

/**
 * The mail of one of the two demonstration accounts, oldest first: the same for the same account, domain and end.
 * @param end milliseconds since 1970, to which the newest mail is near.
 */
export function demoMails(account: 'alice' | 'bob', domain: string, end: number): DemoMail[] {
  const maker = new MailMaker(account, domain, end);
  putThreads(maker);
  putNewsletters(maker);
  putBuilds(maker);
  putAlerts(maker);
  putOrders(maker);
  putMeetings(maker);
  putTickets(maker);
  putReports(maker);
  putDrafts(maker);
  return maker.mails.sort((a, b) => a.sent - b.sent);
}
