/**
 * The text of `format=flowed` (RFC 3676 4): lines that end in a blank go on in the next one, of the same depth of quotation.
 * @param delSp whether that blank was put in for it (DelSp=yes).
 */
export function unflow(text: string, delSp: boolean): string {
  const paragraphs: string[] = [];
  let open: { readonly depth: number; readonly pieces: string[] } | undefined;
  const close = (): void => {
    if (open !== undefined) paragraphs.push(quoted(open.depth, open.pieces.join('')));
    open = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    const depth = /^>*/.exec(line)?.[0].length ?? 0;
    const stuffed = line.slice(depth);
    const content = stuffed.startsWith(' ') ? stuffed.slice(1) : stuffed;
    // The line before a signature is fixed, although it ends in a blank.
    const flows = content.endsWith(' ') && content !== '-- ';
    if (open !== undefined && (open.depth !== depth || content === '-- ')) close();
    open ??= { depth, pieces: [] };
    open.pieces.push(flows && delSp ? content.slice(0, -1) : content);
    if (!flows) close();
  }
  close();
  return paragraphs.join('\r\n');
}

function quoted(depth: number, text: string): string {
  return depth > 0 && text !== '' ? `${'>'.repeat(depth)} ${text}` : '>'.repeat(depth) + text;
}
