/** Elements whose content is no text of the message. */
const HIDDEN = new Set(['script', 'style', 'head', 'title', 'template', 'noscript']);
const BREAKS = new Set(['br', 'div', 'tr', 'li', 'dt', 'dd', 'hr', 'option', 'blockquote', 'address', 'section']);
const PARAGRAPHS = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'table', 'pre', 'article']);

/** Entities that mail programs write; those of Latin-1 (U+00A0 to U+00FF) in their order (HTML 4.01, 24.2.1). */
const LATIN_1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ...LATIN_1.split(' ').map((name, at): [string, string] => [name, String.fromCharCode(0xa0 + at)]),
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['euro', '€'],
  ['ndash', '–'],
  ['mdash', '—'],
  ['hellip', '…'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['sbquo', '‚'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['bdquo', '„'],
  ['bull', '•'],
  ['trade', '™'],
  ['zwnj', '\u200c'],
  ['zwj', '\u200d'],
  ['rarr', '→'],
  ['larr', '←'],
]);

/**
 * A plain text of HTML, for searching and for clients without HTML: text, line breaks at blocks, the target of links that do not show
 * it. No parser of HTML: hostile input gives a bad text and no more. One pass.
 */
export function htmlToText(html: string): string {
  const out: string[] = [];
  let at = 0;
  let hidden: string | undefined;
  let href: string | undefined;
  let linkText = '';
  const put = (text: string): void => {
    out.push(text);
    if (href !== undefined) linkText += text;
  };
  while (at < html.length) {
    const open = html.indexOf('<', at);
    const end = open < 0 ? html.length : open;
    if (hidden === undefined && end > at) put(decodeEntities(html.slice(at, end)).replace(/[ \t\r\n]+/g, ' '));
    if (open < 0) break;
    if (html.startsWith('<!--', open)) {
      const close = html.indexOf('-->', open + 4);
      at = close < 0 ? html.length : close + 3;
      continue;
    }
    // Asked before the end of the tag is looked for: text of nothing but `<` would cost its square.
    if (!/[a-z/!?]/i.test(html[open + 1] ?? '')) {
      if (hidden === undefined) put('<');
      at = open + 1;
      continue;
    }
    const close = html.indexOf('>', open);
    if (close < 0) {
      if (hidden === undefined) put(decodeEntities(html.slice(open)));
      break;
    }
    const tag = html.slice(open + 1, Math.min(close, open + 4096));
    const name = /^\/?([a-z][a-z0-9]*)/i.exec(tag)?.[1]?.toLowerCase();
    at = close + 1;
    if (name === undefined) continue;
    const closing = tag.startsWith('/');
    if (hidden !== undefined) {
      if (closing && name === hidden) hidden = undefined;
    } else if (HIDDEN.has(name) && !closing && !tag.endsWith('/')) {
      hidden = name;
    } else if (name === 'a') {
      const target = href;
      href = undefined;
      if (closing) {
        if (target !== undefined && linkText.trim() !== target && linkText.trim() !== '') out.push(` <${target}>`);
      } else {
        href = linkOf(tag);
      }
      linkText = '';
    } else if (name === 'td' || name === 'th') {
      if (closing) out.push('\t');
    } else if (PARAGRAPHS.has(name)) {
      out.push('\n\n');
    } else if (BREAKS.has(name)) {
      if (!closing || name !== 'br') out.push(name === 'li' && !closing ? '\n* ' : '\n');
    }
  }
  return tidy(out.join(''));
}

function linkOf(tag: string): string | undefined {
  const match = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(tag);
  const target = decodeEntities(match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim();
  return /^https?:/i.test(target) ? target : undefined;
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z0-9]{2,8}));?/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    const isCharacter = code >= 0x20 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : ' ';
  });
}

/** Lines trimmed, and never more than one empty line. */
function tidy(text: string): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.replaceAll('\u00a0', ' ').replace(/ +/g, ' ').trim();
    if (trimmed !== '' || (lines.length > 0 && lines.at(-1) !== '')) lines.push(trimmed);
  }
  while (lines.at(-1) === '') lines.pop();
  return lines.join('\r\n');
}
