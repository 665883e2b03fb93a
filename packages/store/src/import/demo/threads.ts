import type { Charset } from './compose.ts';
import type { Who } from './people.ts';

/** One message of a thread. */
export interface Letter {
  readonly from: Who;
  readonly to: readonly Who[];
  readonly cc?: readonly Who[];
  /** Hours after the letter before it. */
  readonly after?: number;
  readonly text: string;
  /** As HTML, with a chart in it. */
  readonly chart?: readonly number[];
  readonly attach?: 'quote' | 'measurements' | 'report' | 'notes' | 'photo' | 'plan';
  readonly important?: boolean;
  readonly private?: boolean;
}

/** A correspondence. */
export interface Thread {
  readonly subject: string;
  /** Days before the end of the demonstration on which it begins. */
  readonly daysAgo: number;
  /** Where the readers have filed it; left out: it lies in the Inbox. */
  readonly folder?: string;
  readonly charset?: Charset;
  /** Each but the first is a reply to the one before. */
  readonly letters: readonly Letter[];
}

/** What people at a maker of measuring instruments, and their partners, have written to each other. */
export const THREADS: readonly Thread[] = [
  {
    subject: 'Kick-off for the Tern project',
    daysAgo: 118,
    folder: 'Projects/Tern',
    letters: [
      {
        from: 'alice',
        to: ['bob', 'priya', 'tomas'],
        text: `Hello all,

the board has approved Tern, our first temperature logger with a radio. We have until the end of the year for a pilot series of two hundred pieces.

I would like to meet once a week from now on, thirty minutes, on Tuesdays at ten. Please bring what blocks you, not what is done: that we can read.

The plan is attached. It is a first draft, so be unkind to it.

Alice`,
        attach: 'plan',
      },
      {
        from: 'bob',
        to: ['alice'],
        cc: ['priya', 'tomas'],
        after: 3,
        text: `Alice,

the plan has firmware finishing before the hardware it runs on. I can work on the evaluation board until July, but the last four weeks need a real prototype.

Otherwise fine with me. Tuesday at ten works.

Bob`,
      },
      {
        from: 'priya',
        to: ['alice', 'bob'],
        cc: ['tomas'],
        after: 20,
        text: `Bob is right. I have moved the prototype two weeks forward; the enclosure can follow later, as nobody needs it for the firmware.

Cost so far: 31.40 per piece at 200, 19.80 at 2000. The sensor is half of that. I shall ask Ms Tanaka whether the price is final.

Priya`,
      },
      {
        from: 'alice',
        to: ['bob', 'priya', 'tomas'],
        after: 5,
        text: 'Agreed, thank you both. I put the new dates into the plan.\n\nAlice',
      },
    ],
  },
  {
    subject: 'Sensor drift at low temperatures',
    daysAgo: 64,
    folder: 'Projects/Tern',
    letters: [
      {
        from: 'bob',
        to: ['alice', 'priya'],
        text: `I ran the cold chamber over the weekend. Below -20 °C three of the eight sensors drift by more than our tolerance:

  no. 2   -0.31 K
  no. 5   -0.44 K
  no. 7   -0.29 K

The others stay within 0.1 K. All readings are in the attached table; the chamber's own log agrees to within 0.02 K.

Bob`,
        attach: 'measurements',
        important: true,
      },
      {
        from: 'priya',
        to: ['bob'],
        cc: ['alice'],
        after: 2,
        text: 'Are 2, 5 and 7 from the same reel? The marking on the tape should end in 24B or 24C.\n\nPriya',
      },
      {
        from: 'bob',
        to: ['priya'],
        cc: ['alice'],
        after: 1,
        text: 'They are. All three are 24C, the others 24B. Well spotted.\n\nBob',
      },
      {
        from: 'alice',
        to: ['hanako'],
        cc: ['bob', 'priya'],
        after: 16,
        text: `Dear Ms Tanaka,

we see a drift of up to 0.44 K below -20 °C with sensors of lot 24C; lot 24B is well within the data sheet. Our measurements are attached.

Has anything changed between the two lots? We would need an answer before we order for the pilot series at the end of the month.

Kind regards
Alice Winter`,
        attach: 'measurements',
      },
    ],
  },
  {
    subject: 'ロット24Cの件について',
    daysAgo: 60,
    folder: 'Suppliers',
    charset: 'iso-2022-jp',
    letters: [
      {
        from: 'hanako',
        to: ['alice'],
        cc: ['bob'],
        text: `Winter 様

いつもお世話になっております。センサー株式会社の田中です。

ご連絡いただいたロット24Cの低温特性について、社内で調査いたしました。
封止材の変更が原因であることを確認しました。ロット24D以降は元の材料に戻しております。

代替品を50個、今週中に発送いたします。
ご迷惑をおかけして申し訳ございません。

(English: the encapsulation was changed in lot 24C. Lots from 24D on are as before; we are sending 50 replacements this week.)

田中 花子`,
      },
      {
        from: 'alice',
        to: ['hanako'],
        cc: ['bob'],
        after: 8,
        text: '田中様\n\nどうもありがとうございます。代替品をお待ちしております。\n\nThank you for the quick answer. We shall test the new lot as soon as it is here.\n\nAlice Winter',
      },
    ],
  },
  {
    subject: 'Angebot Gehäuse für Tern: Preise und Lieferzeit',
    daysAgo: 47,
    folder: 'Suppliers',
    charset: 'iso-8859-1',
    letters: [
      {
        from: 'juergen',
        to: ['alice'],
        text: `Sehr geehrte Frau Winter,

vielen Dank für Ihre Anfrage. Für 200 Gehäuse aus PA6 in RAL 7016, gefräst statt gespritzt, können wir Ihnen 8,90 € je Stück anbieten. Die Lieferzeit beträgt drei Wochen ab Freigabe der Zeichnung.

Ab 2000 Stück lohnt sich ein Werkzeug: einmalig 11.400 €, danach 1,35 € je Stück.

Das Angebot hängt an. Für Rückfragen stehe ich gern zur Verfügung.

Mit freundlichen Grüßen
Jürgen Müller
Müller Werkzeugbau GmbH, Königsstraße 12, Tübingen`,
        attach: 'quote',
      },
      {
        from: 'alice',
        to: ['juergen'],
        cc: ['priya'],
        after: 26,
        text: `Sehr geehrter Herr Müller,

das passt. Wir nehmen die gefrästen; die Zeichnung kommt von Frau Raman, spätestens am Freitag.

Viele Grüße
Alice Winter`,
      },
      {
        from: 'juergen',
        to: ['alice'],
        cc: ['priya'],
        after: 50,
        text: 'Guten Tag Frau Winter,\n\ndie Zeichnung ist da und läuft übermorgen an. Zwei Radien haben wir von 0,3 auf 0,5 mm geändert, sonst müssten wir erodieren. Ich hoffe, das ist möglich?\n\nSchöne Grüße\nJürgen Müller',
      },
    ],
  },
  {
    subject: '关于交货期的确认',
    daysAgo: 39,
    folder: 'Suppliers',
    charset: 'gb18030',
    letters: [
      {
        from: 'liwei',
        to: ['bob'],
        cc: ['alice'],
        text: `Bob 先生,您好!

您订购的 2000 个连接器已经完成生产,质检报告请见附件。
我们计划本周四从深圳发货,预计十天左右到达。

如果需要改为空运,请在周三之前告诉我,费用另加 180 美元。

此致
敬礼

李伟
(Your 2,000 connectors are ready and will leave Shenzhen on Thursday. Air freight is 180 USD more; please tell me by Wednesday.)`,
        attach: 'report',
      },
      {
        from: 'bob',
        to: ['liwei'],
        cc: ['alice'],
        after: 11,
        text: 'Dear Mr Li,\n\nsea freight is fine for us. 谢谢!\n\nBob Mason',
      },
    ],
  },
  {
    subject: 'Документи на вантаж 4471',
    daysAgo: 33,
    folder: 'Suppliers',
    charset: 'koi8-u',
    letters: [
      {
        from: 'olena',
        to: ['bob'],
        text: `Доброго дня!

Надсилаю документи на вантаж 4471. Митне оформлення завершено, доставка очікується у п'ятницю до обіду.

Прошу підтвердити, що на складі буде хтось, хто прийме дві палети.

З повагою
Олена Коваленко`,
        attach: 'report',
      },
      {
        from: 'bob',
        to: ['olena'],
        after: 4,
        text: 'Dear Olena,\n\nFriday morning is fine, I shall be there myself.\n\nDyakuyu,\nBob',
      },
    ],
  },
  {
    subject: 'Prototypes : couleur de l’étiquette',
    daysAgo: 28,
    letters: [
      {
        from: 'francois',
        to: ['alice'],
        cc: ['tomas'],
        text: `Bonjour Alice,

voici les trois essais pour l'étiquette. Le contraste du premier est trop faible à mon goût : gris sur gris, on ne lit rien sans lunettes. Je préfère nettement le troisième.

Qu'en penses-tu ?

À bientôt
François`,
        attach: 'photo',
      },
      {
        from: 'alice',
        to: ['francois'],
        cc: ['tomas'],
        after: 6,
        text: 'Salut François,\n\nle troisième, sans hésiter. Peux-tu agrandir le numéro de série ? Nos clients le lisent au téléphone.\n\nAlice',
      },
      {
        from: 'francois',
        to: ['alice'],
        cc: ['tomas'],
        after: 20,
        text: 'C’est fait : 9 points au lieu de 7. Les fichiers définitifs partent chez l’imprimeur demain.\n\nFrançois',
      },
    ],
  },
  {
    subject: 'Colaboración con la universidad: prácticas de verano',
    daysAgo: 25,
    letters: [
      {
        from: 'maria',
        to: ['alice'],
        text: `Hola Alice:

¿Seguís buscando a alguien para las prácticas de verano? Tengo una estudiante muy buena, acaba de terminar su proyecto sobre calibración de sensores y le interesaría mucho trabajar con vosotros. Habla inglés y un poco de alemán.

Si te parece, te la presento por videoconferencia la semana que viene.

Un abrazo,
María`,
      },
      {
        from: 'alice',
        to: ['maria'],
        after: 9,
        text: 'Hola María:\n\n¡Sí, claro! El jueves por la tarde estaría bien. Gracias por acordarte de nosotros.\n\nUn abrazo,\nAlice',
      },
    ],
  },
  {
    subject: 'Firmware 0.9: what is left',
    daysAgo: 17,
    folder: 'Projects/Tern',
    letters: [
      {
        from: 'bob',
        to: ['alice', 'priya'],
        text: `Open for 0.9, in the order in which I would do it:

1. The radio wakes up every 30 s even if nobody listens. Costs a third of the battery.
2. Time is lost on brown-out. Priya, can we have 100 µF more on the backup rail?
3. The log is read byte by byte. Slow, but correct.

The battery chart below is for one day with and without the change for 1.`,
        chart: [62, 58, 55, 51, 47, 44, 40, 36, 33, 29, 25, 22],
      },
      {
        from: 'priya',
        to: ['bob'],
        cc: ['alice'],
        after: 2,
        text: '100 µF fit if I turn C14. You have them in revision C, which goes out tonight.\n\nPriya',
      },
      {
        from: 'alice',
        to: ['bob'],
        cc: ['priya'],
        after: 1,
        text: 'One and two for the pilot, three afterwards. Can we promise two years of battery to the customer with that? They will put it into the contract.\n\nAlice',
      },
      {
        from: 'bob',
        to: ['alice'],
        cc: ['priya'],
        after: 18,
        text: 'Two years at one reading a minute: yes, with 15 % to spare at 20 °C. At -20 °C it is fourteen months. I would write "two years at room temperature".\n\nBob',
      },
      {
        from: 'alice',
        to: ['bob'],
        cc: ['priya'],
        after: 1,
        text: 'That is what I shall write. Thank you, that was quick.\n\nAlice',
      },
    ],
  },
  {
    subject: 'Pilot customer: numbers for the offer',
    daysAgo: 11,
    letters: [
      {
        from: 'tomas',
        to: ['alice'],
        cc: ['bob'],
        text: `Alice, Bob,

the cold store in Rotterdam wants an offer for 120 loggers and two gateways until Thursday. They asked three things that I cannot answer:

- What is the range through two insulated walls?
- Can the alarm go to a telephone, not only to mail?
- Who holds the calibration certificates?

The picture shows what they have today: eleven alarms in one month, none of which anybody saw in time.

Tomás`,
        chart: [4, 9, 12, 7, 22, 31, 18, 40, 55, 47, 60],
      },
      {
        from: 'bob',
        to: ['tomas'],
        cc: ['alice'],
        after: 2,
        text: 'Range: 35 m through two 120 mm walls, measured in our own cold store. I would promise 25.\n\nBob',
      },
      {
        from: 'alice',
        to: ['tomas'],
        cc: ['bob'],
        after: 3,
        text: 'Telephone: yes, by a partner, from the spring on. Certificates: we keep them for ten years and give each customer access to theirs.\n\nI have filled in the numbers; please check the quote before it goes out.\n\nAlice',
        attach: 'quote',
      },
      {
        from: 'tomas',
        to: ['alice'],
        cc: ['bob'],
        after: 22,
        text: 'Sent. They answered within the hour, which I take as a good sign.\n\nTomás',
      },
    ],
  },
  {
    subject: 'Your appraisal on Friday',
    daysAgo: 9,
    letters: [
      {
        from: 'alice',
        to: ['bob'],
        text: 'Bob,\n\ncan we speak on Friday at three? Nothing unpleasant: I would like to talk about who looks after the firmware next year, and whether you want to have two people for it.\n\nAlice',
        private: true,
      },
      { from: 'bob', to: ['alice'], after: 1, text: 'Friday at three is fine. And yes, I do.\n\nBob', private: true },
    ],
  },
  {
    subject: 'Mum’s birthday',
    daysAgo: 6,
    folder: 'Personal',
    letters: [
      {
        from: 'sister',
        to: ['alice'],
        text: 'Hi sis 👋\n\nshe says she wants nothing, so it is going to be a weekend by the sea 🌊 Can you take the Monday off? I found a house with a stove and a dog that comes with it.\n\nEmma xx',
        attach: 'photo',
      },
      {
        from: 'alice',
        to: ['sister'],
        after: 5,
        text: 'The dog decides it. I have taken Monday off. You book, I pay half and bring the cake.\n\nA.',
      },
      { from: 'sister', to: ['alice'], after: 2, text: 'Booked! 🎂🐕\n\nE.' },
    ],
  },
  {
    subject: 'Kitchen rota and the coffee machine',
    daysAgo: 4,
    letters: [
      {
        from: 'office',
        to: ['alice', 'bob', 'priya', 'tomas'],
        text: 'Dear all,\n\nthe new coffee machine is here. Please read the note before you press anything; the last one did not survive its first Monday.\n\nThe rota for the kitchen is attached.\n\nFront Office',
        attach: 'notes',
      },
      { from: 'bob', to: ['office'], cc: ['alice'], after: 1, text: 'Can it make tea?\n\nBob' },
    ],
  },
  {
    subject: 'Pilot series: first 20 on the bench',
    daysAgo: 1,
    letters: [
      {
        from: 'priya',
        to: ['alice', 'bob'],
        text: `The first twenty are soldered and on the bench. Nineteen came up at once; number 12 had a tombstoned capacitor and runs now.

Current in sleep, in microamperes, for each of them below. The line is at 40, and nobody is over it.`,
        chart: [31, 33, 30, 35, 34, 29, 32, 36, 33, 31, 30, 38, 34, 33, 32, 31, 35, 30, 33, 32],
        attach: 'measurements',
      },
      {
        from: 'bob',
        to: ['priya'],
        cc: ['alice'],
        after: 1,
        text: 'Beautiful. I shall flash them this afternoon and put them into the chamber overnight.\n\nBob',
      },
      {
        from: 'alice',
        to: ['priya', 'bob'],
        after: 1,
        text: 'Wonderful news to end the week with. Cake is on me.\n\nAlice',
      },
    ],
  },
];
