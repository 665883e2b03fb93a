import type { DemoFile } from './compose.ts';
import { csvTable, pdfPage, pngChart, textFile } from './files.ts';
import type { Person } from './people.ts';
import type { Letter } from './threads.ts';

/** Topics of the newsletter, one an issue. */
export const NEWS: readonly (readonly [string, string])[] = [
  [
    'Why your thermometer lies in the sun',
    'Radiation error, explained with a white-painted tin and a summer afternoon.',
  ],
  ['Four wires are better than two', 'Lead resistance, and what it costs you at the end of thirty metres of cable.'],
  ['Calibration, and how often', 'Intervals that follow drift instead of the calendar.'],
  ['The humidity that was not there', 'Condensation inside a housing that was tight on paper.'],
  ['Averages hide alarms', 'What a one-minute mean does to a door that stood open for twenty seconds.'],
  ['A short history of the kelvin', 'From a lump of platinum to a constant of nature.'],
  ['Batteries in the cold', 'Capacity against temperature, for the four chemistries that people buy.'],
  ['Radio in a steel room', 'Where the waves go when there is nowhere to go.'],
  ['Uncertainty without tears', 'A budget in one table, for people who were never taught.'],
  ['Logging into the void', 'Half of all alarms are sent to somebody who has left.'],
  ['When the reference drifts', 'How two laboratories agreed with each other and with nobody else.'],
  ['Ice points for beginners', 'Crushed ice, clean water, and patience: 0 °C to within 5 mK.'],
];

/** Jobs of the build server and what became of them. */
export const BUILDS: readonly (readonly [string, boolean])[] = [
  ['tern-firmware', true],
  ['tern-firmware', false],
  ['gateway', true],
  ['tern-firmware', true],
  ['website', true],
  ['gateway', false],
  ['calibration-tools', true],
  ['tern-firmware', true],
];

/** Alarms of the monitoring. */
export const ALERTS: readonly (readonly [string, string, string])[] = [
  ['warning', 'disk space on fileserver below 15 %', 'fileserver:/export has 14.2 % left (212 GB).'],
  ['critical', 'cold chamber 2 above -15 °C', 'Door open for 00:09:30. Last reading -14.2 °C.'],
  ['resolved', 'cold chamber 2 above -15 °C', 'Reading -21.6 °C, after 00:31:00.'],
  ['warning', 'certificate of mail expires in 14 days', 'CN=mail, not after in 14 days.'],
  ['warning', 'backup took longer than 4 hours', 'Last night: 04:41:12. The day before: 03:10:07.'],
];

/** What the shop has sold. */
export const ORDERS: readonly (readonly [string, number, number])[] = [
  ['Thermocouple type K, 2 m', 12, 14.5],
  ['Silicone oil, 5 l', 1, 189],
  ['Platinum probe, class A', 2, 96.4],
  ['Solder wick, 10 pcs', 3, 11.2],
  ['Antistatic mat', 4, 38.9],
  ['Dewar vessel, 1 l', 1, 72],
];

/** Those who have bought something. */
export const CUSTOMERS: readonly Person[] = [
  { name: 'Grace Okonkwo', address: 'g.okonkwo@coldchain.example', program: 'Microsoft Outlook 16.0' },
  { name: 'Søren Kjær', address: 'soren@mejeri.example', charset: 'iso-8859-1', program: 'Lotus Notes 9' },
  { name: 'Anaïs Dubois', address: 'anais.dubois@musee.example', program: 'Roundcube Webmail' },
  { name: 'Hiroshi Sato', address: 'sato@brewery.example', program: 'Mozilla Thunderbird' },
  { name: 'Lena Groß', address: 'gross@apotheke.example', charset: 'iso-8859-1', program: 'Microsoft Outlook 16.0' },
  { name: 'Paulo Conceição', address: 'paulo@vinhos.example', program: 'Apple Mail (2.3774)' },
  { name: 'Ewa Wójcik', address: 'ewa.wojcik@szpital.example', program: 'Evolution 3.52' },
  { name: 'Dr. Nils Åberg', address: 'nils.aberg@lab.example', charset: 'iso-8859-1', program: 'Mutt 2.2' },
  { name: 'Γιώργος Παππάς', address: 'g.pappas@elaia.example', program: 'Mozilla Thunderbird' },
  { name: 'Zeynep Yıldız', address: 'zeynep@cicek.example', program: 'iPhone Mail (21F90)' },
  { name: 'Ruth Cohen', address: 'ruth@archive.example', program: 'Gmail' },
  { name: 'Mei Lin', address: 'mei.lin@teahouse.example', program: 'Foxmail 7.2' },
];

/** What they ask, as subject, question and answer. */
export const QUESTIONS: readonly (readonly [string, string, string])[] = [
  [
    'Logger does not start',
    'the new logger stays dark when I press the button. The battery is fresh.',
    'please hold the button for five seconds the first time: it is delivered asleep so that the battery lasts.',
  ],
  [
    'Certificate for serial number',
    'our auditor asks for the calibration certificate of the logger that we bought last spring.',
    'it is on its way to you by post, and in your account under Documents.',
  ],
  [
    'Readings jump at night',
    'every night at about two the temperature rises by three degrees for twenty minutes. Is the sensor broken?',
    'that is the defrost of your cold store. You can tell the alarm to wait for thirty minutes: Settings, Alarm, Delay.',
  ],
  [
    'Export to a spreadsheet',
    'can we get the readings as CSV, with a comma as the decimal sign?',
    'yes: Export, Regional format. With the next version it remembers the setting.',
  ],
  [
    'Range in our cellar',
    'the gateway loses two of the six loggers in the cellar. The walls are 60 cm of stone.',
    'stone of that kind is too much for one hop. I have put a repeater into the post for you to try, free of charge.',
  ],
  [
    'Wrong time after the change of the clocks',
    'since Sunday all readings are one hour late.',
    'the logger keeps UTC and the software adds the zone. Version 2.4 reads the new rules; the readings themselves are right.',
  ],
  [
    'Order of replacement probes',
    'we need six probes with three metres of cable. Do you still make them?',
    'we do. They are in stock at 48.00 EUR each, and I have asked our office to send you a quote.',
  ],
  [
    'Battery after eight months',
    'you promised two years, and it says 12 % after eight months.',
    'yours sends every ten seconds. At one minute it would have lasted for two years; shall I change it for you from here?',
  ],
];

/** The file that a letter attaches. */
export function demoFile(kind: NonNullable<Letter['attach']>, seed: number): DemoFile {
  switch (kind) {
    case 'measurements':
      return csvTable('measurements.csv', [
        ['minute', ...Array.from({ length: 8 }, (_, n) => `sensor ${n + 1}`)],
        ...Array.from({ length: 60 }, (_, minute) => [
          minute,
          ...Array.from({ length: 8 }, (_, n) => (-20 - ((minute * 7 + n * 13 + seed) % 11) / 25).toFixed(2)),
        ]),
      ]);
    case 'quote':
      return pdfPage('Angebot-Quote.pdf', [
        'Quotation',
        '',
        ...ORDERS.map(
          ([what, count, price]) => `${String(count).padStart(3)} x ${what}: EUR ${(count * price).toFixed(2)}`,
        ),
        '',
        `Reference ${24000 + seed}. Valid for 30 days.`,
      ]);
    case 'report':
      return pdfPage(`inspection-${1000 + seed}.pdf`, [
        'Inspection report',
        '',
        'Lot accepted.',
        'Sampled 80, rejected 0 (AQL 0.65).',
      ]);
    case 'notes':
      return textFile(
        'Küchenplan – kitchen rota.txt',
        'Monday: Priya\r\nTuesday: Bob\r\nWednesday: Alice\r\nThursday: Tomás\r\nFriday: whoever reads this last\r\n',
      );
    case 'photo':
      return pngChart(`IMG_${2000 + seed}.png`, [10, 22, 40, 52, 58, 52, 40, 22, 10], [0x2e, 0x86, 0xab]);
    case 'plan':
      return csvTable('tern-plan.csv', [
        ['task', 'who', 'weeks'],
        ['enclosure', 'Tomás', 6],
        ['prototype', 'Priya', 8],
        ['firmware', 'Bob', 14],
        ['certificates', 'Alice', 10],
      ]);
  }
}
