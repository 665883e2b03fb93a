import type { MutableProperties } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { NativeBody } from '../../mapi/property-values.ts';
import { htmlToText } from '../../text/html-text.ts';
import { codePageFor, decodeText, UTF_8 } from '../mime/charset.ts';
import { unflow } from '../mime/flowed.ts';
import { contentOf, type MimePart, textOf } from '../mime/part.ts';
import type { ChosenParts } from './body-parts.ts';

/** HTML as text, for finding what it refers to; empty where there is none. */
export type HtmlText = string;

/**
 * Sets the bodies ([MS-OXCMAIL] 2.2.3.3): HTML in the bytes in which it came, with their code page; text in Unicode, made of the HTML
 * where the message has no other.
 */
export function setBodies(
  properties: MutableProperties,
  { plain, html }: Pick<ChosenParts, 'plain' | 'html'>,
): HtmlText {
  const text = plain === undefined ? undefined : textOf(plain);
  let codePage = text?.codePage ?? UTF_8;
  let htmlText: HtmlText = '';
  if (html !== undefined) {
    const bytes = contentOf(html);
    const label = html.parameters.get('charset') ?? labelInHtml(bytes);
    codePage = codePageFor(bytes, label);
    htmlText = decodeText(bytes, label).text;
    properties.set(PidTag.Html, bytes);
  }
  if (plain !== undefined && text !== undefined) properties.set(PidTag.Body, withCrlf(unflowed(plain, text.text)));
  else if (html !== undefined) properties.set(PidTag.Body, withCrlf(htmlToText(htmlText).trimEnd()));
  properties.set(PidTag.InternetCodepage, codePage);
  if (plain !== undefined || html !== undefined) {
    properties.set(PidTag.NativeBody, html === undefined ? NativeBody.PlainText : NativeBody.Html);
  }
  return htmlText;
}

function unflowed({ parameters }: MimePart, text: string): string {
  if (parameters.get('format')?.toLowerCase() !== 'flowed') return text;
  return unflow(text, parameters.get('delsp')?.toLowerCase() === 'yes');
}

/** `<meta charset=…>`: what programs that leave the parameter away rely on. */
function labelInHtml(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('windows-1252').decode(bytes.subarray(0, 2048));
  return /<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(head)?.[1];
}

function withCrlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}
