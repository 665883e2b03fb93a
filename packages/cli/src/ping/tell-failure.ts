import type { Failure } from './explain.ts';

/** A failure as it is printed, in two or three lines. */
export function tellFailure(command: string, { hop, what, check, incident }: Failure): string {
  const lines = [
    `${command}: ${hop}: ${sentence(what)}`,
    `  Check: ${sentence(check)}`,
    ...(incident === undefined ? [] : [`  Incident: ${incident}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}
