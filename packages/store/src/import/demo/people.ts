import type { Charset } from './compose.ts';

/** Somebody who writes in the demonstration. */
export interface Person {
  readonly name: string;
  readonly address: string;
  /** In which his or her mail program writes. */
  readonly charset?: Charset;
  /** X-Mailer or User-Agent. */
  readonly program: string;
}

/** By whom a person of the demonstration is named. */
export type Who = keyof ReturnType<typeof demoPeople>;

/** Everybody, with the colleagues at `domain`. Domains of the others are those that RFC 2606 keeps for examples. */
export function demoPeople(domain: string) {
  return {
    alice: { name: 'Alice Winter', address: `alice@${domain}`, program: 'Microsoft Outlook 16.0' },
    bob: { name: 'Bob Mason', address: `bob@${domain}`, program: 'Mozilla Thunderbird' },
    priya: { name: 'Priya Raman', address: `priya@${domain}`, program: 'Microsoft Outlook 16.0' },
    tomas: { name: 'Tomás Ortega', address: `tomas@${domain}`, program: 'Apple Mail (2.3774)' },
    office: { name: 'Front Office', address: `office@${domain}`, program: 'Microsoft Outlook 16.0' },
    juergen: {
      name: 'Jürgen Müller',
      address: 'j.mueller@werkzeugbau.example',
      charset: 'iso-8859-1',
      program: 'KMail 5.24',
    },
    francois: { name: 'François Lefèvre', address: 'francois.lefevre@atelier.example', program: 'Roundcube Webmail' },
    hanako: {
      name: '田中 花子',
      address: 'hanako.tanaka@sensor.example',
      charset: 'iso-2022-jp',
      program: 'Becky! ver. 2',
    },
    liwei: { name: '李伟', address: 'li.wei@components.example', charset: 'gb18030', program: 'Foxmail 7.2' },
    olena: { name: 'Олена Коваленко', address: 'olena@logistics.example', charset: 'koi8-u', program: 'The Bat! 10' },
    maria: { name: 'María Núñez', address: 'maria.nunez@universidad.example', program: 'Evolution 3.52' },
    sister: { name: 'Emma Winter', address: 'emma@family.example', program: 'iPhone Mail (21F90)' },
    newsletter: { name: 'Measurement Weekly', address: 'news@measurement-weekly.example', program: 'ListMonk' },
    builds: { name: 'Build Server', address: `builds@${domain}`, program: 'Buildbot' },
    monitor: { name: 'Monitoring', address: `monitor@${domain}`, program: 'Prometheus Alertmanager' },
    shop: { name: 'Labshop Orders', address: 'orders@labshop.example', program: 'Labshop' },
    daemon: { name: 'Mail Delivery System', address: `mailer-daemon@${domain}`, program: 'Postfix' },
  } as const satisfies Record<string, Person>;
}
