import { Parser } from 'htmlparser2';

/** Longest HTML that is turned into text, characters; the rest is left out, and the text says so. */
const MAX_HTML = 4 * 1024 * 1024;
/** Deepest nesting of lists and quotations that is shown. */
const MAX_DEPTH = 10;
/** Elements within each other, at most: what is deeper is left out, since parsers become slow there. */
const MAX_NESTING = 1000;
/** Characters that are given to the parser at once; the nesting is looked at in between. */
const CHUNK = 4096;
/** Longest address of a link that is shown behind its text, characters. */
const MAX_LINK = 200;

/** Elements whose content is not for reading. */
const HIDDEN: ReadonlySet<string> = new Set([
  'head',
  'script',
  'style',
  'title',
  'noscript',
  'template',
  'svg',
  'math',
]);
/** Elements that stand in lines of their own. */
const BLOCKS: ReadonlySet<string> = new Set(
  'address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section table tr ul'.split(
    ' ',
  ),
);
/** Those of them with an empty line before and after. */
const PARAGRAPHS: ReadonlySet<string> = new Set('blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul'.split(' '));

/**
 * Turns the HTML of a mail into text that can be read, and searched: paragraphs, lists, quotations with `>`, cells of tables
 * beside each other, links with their addresses, images by their descriptions. Nothing is loaded. Lines end in a line feed.
 * Never throws; takes time in proportion to the length.
 */
export function htmlToText(html: string): string {
  const reader = new HtmlReader();
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true });
  let at = 0;
  for (; at < Math.min(html.length, MAX_HTML) && reader.nesting <= MAX_NESTING; at += CHUNK) {
    parser.write(html.slice(at, at + CHUNK));
  }
  parser.end();
  return at < html.length
    ? `${reader.text()}\n[The rest is left out: it is too long, or nested too deeply]\n`
    : reader.text();
}

class HtmlReader {
  /** Elements that are open. */
  nesting = 0;
  readonly #lines: string[] = [];
  /** The line, in pieces: a string that is looked at after each of many additions would be copied each time. */
  #pieces: string[] = [];
  /** The end of the line. */
  #tail = '';
  /** A space is due before the next word. */
  #space = false;
  /** Empty lines that are due before the next line. */
  #gap = 0;
  #hidden = 0;
  #preformatted = 0;
  #quoted = 0;
  /** Of the last line. */
  #lastQuotes = 0;
  /** Open lists: the number of the next item, or 0 for a bullet. */
  readonly #lists: number[] = [];
  readonly #links: { readonly href: string; readonly from: number }[] = [];
  #written = 0;
  #bullet = '';

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    this.nesting += 1;
    if (HIDDEN.has(name)) this.#hidden += 1;
    if (this.#hidden > 0) return;
    if (BLOCKS.has(name)) this.#break(PARAGRAPHS.has(name) ? 1 : 0);
    switch (name) {
      case 'br':
        this.#newLine();
        return;
      case 'hr':
        this.#write('-'.repeat(20));
        this.#break(0);
        return;
      case 'blockquote':
        this.#quoted += 1;
        return;
      case 'pre':
        this.#preformatted += 1;
        return;
      case 'ol':
      case 'ul':
        this.#lists.push(name === 'ol' ? 1 : 0);
        return;
      case 'li':
        this.#item();
        return;
      case 'td':
      case 'th':
        if (this.#pieces.length > 0) this.#append('  ');
        return;
      case 'a':
        this.#links.push({ href: attributes.href ?? '', from: this.#written });
        return;
      case 'img': {
        const description = (attributes.alt ?? '').trim();
        if (description !== '') this.#words(`[${description}]`);
        return;
      }
    }
  }

  onclosetag(name: string): void {
    this.nesting -= 1;
    if (HIDDEN.has(name)) {
      this.#hidden = Math.max(0, this.#hidden - 1);
      return;
    }
    if (this.#hidden > 0) return;
    if (name === 'a') this.#endLink();
    if (BLOCKS.has(name)) this.#break(PARAGRAPHS.has(name) ? 1 : 0);
    if (name === 'blockquote') this.#quoted = Math.max(0, this.#quoted - 1);
    if (name === 'pre') this.#preformatted = Math.max(0, this.#preformatted - 1);
    if (name === 'ol' || name === 'ul') this.#lists.pop();
  }

  ontext(text: string): void {
    if (this.#hidden > 0) return;
    if (this.#preformatted === 0) {
      this.#words(text);
      return;
    }
    const [first = '', ...rest] = text.split(/\r\n|\r|\n/);
    this.#append(first);
    for (const line of rest) {
      this.#newLine();
      this.#append(line);
    }
  }

  text(): string {
    this.#break(0);
    const text = this.#lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
    return text === '' ? '' : `${text}\n`;
  }

  #words(text: string): void {
    const words = text.split(/[ \t\r\n\f]+/);
    words.forEach((word, at) => {
      if (at > 0) this.#space = true;
      if (word !== '') this.#write(word);
    });
  }

  #write(word: string): void {
    if (this.#space && this.#pieces.length > 0 && !this.#tail.endsWith(' ')) this.#push(' ');
    this.#space = false;
    this.#append(word);
  }

  #append(text: string): void {
    if (text === '') return;
    if (this.#pieces.length === 0) this.#begin();
    this.#push(text);
    this.#written += text.length;
  }

  #push(text: string): void {
    this.#pieces.push(text);
    this.#tail = (this.#tail + text.slice(-MAX_LINK)).slice(-MAX_LINK);
  }

  #begin(): void {
    const quotes = Math.min(this.#quoted, MAX_DEPTH);
    const prefix = '> '.repeat(quotes);
    for (; this.#gap > 0; this.#gap -= 1) {
      if (this.#lines.length > 0) this.#lines.push('> '.repeat(Math.min(quotes, this.#lastQuotes)).trimEnd());
    }
    this.#lastQuotes = quotes;
    const indent = '  '.repeat(Math.min(Math.max(0, this.#lists.length - 1), MAX_DEPTH));
    this.#push(prefix + (this.#lists.length > 0 ? indent + (this.#bullet || '  ') : ''));
    this.#bullet = '';
  }

  #item(): void {
    const number = this.#lists.at(-1) ?? 0;
    this.#bullet = number === 0 ? '* ' : `${number}. `;
    if (number > 0) this.#lists[this.#lists.length - 1] = number + 1;
  }

  #endLink(): void {
    const link = this.#links.pop();
    if (link === undefined || this.#written === link.from) return;
    const { href } = link;
    if (!/^(https?|mailto):/i.test(href) || href.length > MAX_LINK) return;
    const address = href.replace(/^mailto:/i, '');
    if (!this.#tail.endsWith(address) && !this.#tail.endsWith(address.replace(/\/$/, '')))
      this.#append(` <${address}>`);
  }

  /** Ends the line, if there is one, with at least that many empty lines before the next. */
  #break(gap: number): void {
    if (this.#pieces.length > 0) this.#newLine();
    this.#space = false;
    this.#gap = Math.max(this.#gap, gap);
  }

  #newLine(): void {
    this.#lines.push(this.#pieces.join('').replaceAll('\u00a0', ' ').trimEnd());
    this.#pieces = [];
    this.#tail = '';
    this.#space = false;
  }
}
