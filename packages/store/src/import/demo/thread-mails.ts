import { type Charset, type Entity, filePart, multipart, textPart } from './compose.ts';
import { pngChart } from './files.ts';
import { DAY, escapeHtml, type Field, HOUR, type MailMaker, page } from './mail-maker.ts';
import { demoFile } from './series.ts';
import { type Letter, THREADS } from './threads.ts';

const BARS = [0x2e, 0x86, 0xab] as const;

/** The correspondence of {@link THREADS}: replies quote what they answer and refer to it. */
export function putThreads(maker: MailMaker): void {
  THREADS.forEach((thread, number) => {
    let sent = maker.end - thread.daysAgo * DAY - ((number * 47) % 360) * 60_000;
    const ids: string[] = [];
    thread.letters.forEach((letter, at) => {
      sent = Math.min(sent + (letter.after ?? 0) * HOUR, maker.end - (thread.letters.length - at) * 60_000);
      const id = maker.id(`thread ${number} ${at}`);
      const previous = thread.letters[at - 1];
      const body = letterBody(maker, letter, previous, thread.charset, number * 10 + at);
      const fields: Field[] = [
        ['Subject', at === 0 ? thread.subject : `Re: ${thread.subject}`],
        ...(ids.length === 0
          ? []
          : ([
              ['In-Reply-To', ids.at(-1) ?? ''],
              ['References', ids.join(' ')],
            ] as const)),
        ...(letter.important === true
          ? ([
              ['X-Priority', '1'],
              ['Importance', 'high'],
            ] as const)
          : []),
        ...(letter.private === true ? ([['Sensitivity', 'Personal']] as const) : []),
      ];
      const isAnswered = thread.letters.slice(at + 1).some(({ from }) => from === maker.account);
      maker.put(letter, { id, sent, fields, body, isAnswered, charset: thread.charset, folder: thread.folder });
      ids.push(id);
    });
  });
}

function letterBody(
  maker: MailMaker,
  letter: Letter,
  previous: Letter | undefined,
  charset: Charset | undefined,
  seed: number,
): Entity {
  const text = previous === undefined ? letter.text : `${letter.text}\n\n${quote(maker, previous)}`;
  const plain = textPart(text, {
    ...(charset === undefined ? {} : { charset }),
    flowed: letter.from === 'bob' && charset === undefined,
  });
  const body = letter.chart === undefined ? plain : illustrated(maker, text, plain, letter.chart, seed);
  return letter.attach === undefined ? body : multipart('mixed', [body, filePart(demoFile(letter.attach, seed))]);
}

function illustrated(maker: MailMaker, text: string, plain: Entity, chart: readonly number[], seed: number): Entity {
  const contentId = `chart.${seed}@${maker.domain}`;
  const paragraphs = text.split('\n\n').map((part) => `<p>${escapeHtml(part).replaceAll('\n', '<br>\n')}</p>`);
  const html = page(
    `${paragraphs.join('\n')}\n<p><img src="cid:${contentId}" alt="Chart" width="${chart.length * 16}" height="64"></p>`,
  );
  const related = multipart('related', [
    textPart(html, { subtype: 'html' }),
    filePart(pngChart('chart.png', chart, BARS), contentId),
  ]);
  return multipart('alternative', [plain, related]);
}

function quote(maker: MailMaker, letter: Letter): string {
  const lines = letter.text.split('\n').map((line) => `> ${line}`.trimEnd());
  return `${maker.people[letter.from].name} wrote:\n${lines.join('\n')}`;
}
