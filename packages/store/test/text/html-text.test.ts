import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { htmlToText } from '../../src/text/html-text.ts';

describe('HTML as text', () => {
  const read = (html: string): string => htmlToText(html).trimEnd();

  test('paragraphs, headings, lists, quotations', () => {
    assert.equal(read('<h1>Title</h1><p>One\n  line.</p><p>Two<br>lines</p>'), 'Title\n\nOne line.\n\nTwo\nlines');
    assert.equal(
      read('<ul><li>one<li>two<ol><li>a</li><li>b</li></ol></ul>end'),
      '* one\n* two\n\n  1. a\n  2. b\n\nend',
    );
    assert.equal(
      read('said:<blockquote><p>I did</p><blockquote>no</blockquote></blockquote>so'),
      'said:\n\n> I did\n>\n> > no\n\nso',
    );
    assert.equal(read('<pre>  a\n    b</pre>'), 'a\n    b');
    assert.equal(read('<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>'), 'a  b\nc');
  });

  test('links have their addresses, images their descriptions', () => {
    assert.equal(read('see <a href="https://example.org/x">the page</a>.'), 'see the page <https://example.org/x>.');
    assert.equal(read('<a href="https://example.org/">https://example.org</a>'), 'https://example.org');
    assert.equal(read('<a href="mailto:a@b.c">Ann</a> <a href="javascript:x()">run</a>'), 'Ann <a@b.c> run');
    assert.equal(read('<img src="cid:1" alt="A chart"><img src="https://spy.example/1.gif">'), '[A chart]');
  });

  test('what is not for reading is left out', () => {
    const html =
      '<html><head><title>t</title><style>p{}</style></head><body>a<script>alert(1)</script><!-- c -->b</body></html>';
    assert.equal(read(html), 'ab');
    assert.equal(read('Gr&uuml;&szlig;e &amp; &#8364; &lt;tag&gt;&nbsp;x'), 'Grüße & € <tag> x');
    assert.equal(read(''), '');
  });

  test('all of it together', () => {
    assert.equal(
      htmlToText(
        '<html><body><p>Gr&uuml;&szlig;e &amp; K&#252;sse&nbsp;&#x1F600;<br>next</p><ul><li>a<li>b</ul><a href="https://x.example/">here</a><a href="https://y.example">https://y.example</a> 1 < 2 <!-- <p> --></body>',
      ),
      'Grüße & Küsse 😀\nnext\n\n* a\n* b\n\nhere <https://x.example/>https://y.example 1 < 2\n',
    );
  });

  test('whatever it is made of, it is read, and in time that grows with its length alone', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '<p>',
        '</p>',
        '<ul>',
        '<li>',
        '</ul>',
        '<blockquote>',
        '</blockquote>',
        '<table>',
        '<td>',
        '<a href=x>',
        '</a>',
        '<pre>',
        '<script>',
        '&',
        '<',
        '<!--',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        assert.equal(typeof htmlToText(pieces.join('')), 'string');
      }),
    );
    for (const open of ['<blockquote>', '<ul><li>', '<div>', '<table><tr><td>', '<a href="https://e.org">x']) {
      assert.match(htmlToText(open.repeat(200_000)), /left out/);
    }
  });
});
