/** One import, export-from or import() of a source file. */
export interface Import {
  /** What is named; undefined when import() gets anything but a literal. */
  readonly from: string | undefined;
  readonly line: number;
}

/**
 * `import … from`, `import '…'` and `export … from` at the beginning of a line, where the formatter puts them; several
 * lines long where they name much.
 */
const STATEMENT =
  /^(?:import\s+(?:type\s+)?(?:[\w$*{}\s,]+?\s+from\s*)?|export\s+(?:type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})\s*from\s*)(['"])([^'"]+)\1/gm;

const DYNAMIC = /(?<![\w$.])import\s*\(\s*(?:(['"])([^'"]+)\1\s*\)?)?/g;

/** Lists what a TypeScript file imports, types included, in no particular order. */
export function importsOf(text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, blank);
  const found: Import[] = [];
  for (const match of code.matchAll(STATEMENT)) found.push({ from: match[2], line: lineAt(code, match.index) });
  for (const match of code.matchAll(DYNAMIC)) found.push({ from: match[2], line: lineAt(code, match.index) });
  return found;
}

/** Comments go, their line ends stay, so that lines keep their numbers. */
function blank(comment: string): string {
  return comment.replace(/[^\n]/g, ' ');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
