import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';
import type { DemoFile } from './compose.ts';

/** A picture of vertical bars, as a chart or as a logo: RGB, 8 bits (PNG, third edition). */
export function pngChart(name: string, bars: readonly number[], colour: readonly [number, number, number]): DemoFile {
  const width = bars.length * 16;
  const height = 64;
  const rows = Buffer.alloc(height * (1 + width * 3), 0xff);
  for (let y = 0; y < height; y += 1) {
    const row = y * (1 + width * 3);
    rows[row] = 0;
    for (let x = 0; x < width; x += 1) {
      const isBar = x % 16 > 2 && height - y <= (bars[Math.floor(x / 16)] ?? 0);
      if (isBar) rows.set(colour, row + 1 + x * 3);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const bytes = Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { name, type: 'image/png', bytes: new Uint8Array(bytes) };
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** One page of text, as a PDF 1.4 that viewers open. Lines are ASCII. */
export function pdfPage(name: string, lines: readonly string[]): DemoFile {
  const shown = lines.map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj T*`).join('\n');
  const content = `BT /F1 11 Tf 14 TL 56 780 Td\n${shown}\nET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let pdf = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = pdf.length;
    pdf += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  pdf += `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`;
  return { name, type: 'application/pdf', bytes: new Uint8Array(Buffer.from(pdf, 'latin1')) };
}

/** A table, with a header row. */
export function csvTable(name: string, rows: readonly (readonly (string | number)[])[]): DemoFile {
  return {
    name,
    type: 'text/csv',
    bytes: new Uint8Array(Buffer.from(rows.map((row) => `${row.join(',')}\r\n`).join(''))),
  };
}

/** A file of text. */
export function textFile(name: string, text: string): DemoFile {
  return { name, type: 'text/plain; charset=utf-8', bytes: new Uint8Array(Buffer.from(text)) };
}
