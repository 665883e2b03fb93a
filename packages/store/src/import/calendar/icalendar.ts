/** Lines of a calendar that are read, and components within components. */
const MAX_LINES = 20_000;
const MAX_DEPTH = 8;
const MAX_LINE = 64 * 1024;

/** A property of iCalendar (RFC 5545 3.1): `DTSTART;TZID=Europe/Paris:20260301T090000`. */
export interface CalendarProperty {
  /** In upper case, as the names of its parameters are. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Its escapes are still there. */
  readonly value: string;
}

/** A component (RFC 5545 3.4): VCALENDAR, VEVENT, VTIMEZONE, STANDARD. */
export class CalendarComponent {
  readonly name: string;
  readonly properties: CalendarProperty[] = [];
  readonly components: CalendarComponent[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get(name: string): CalendarProperty | undefined {
    return this.properties.find((property) => property.name === name);
  }

  /** All properties of a name. */
  every(name: string): readonly CalendarProperty[] {
    return this.properties.filter((property) => property.name === name);
  }

  all(name: string): readonly CalendarComponent[] {
    return this.components.filter((component) => component.name === name);
  }
}

/** The first VCALENDAR of a text, undefined where there is none. Never throws; what is malformed is passed over. */
export function parseCalendar(text: string): CalendarComponent | undefined {
  const root = new CalendarComponent('');
  const open = [root];
  let tooDeep = 0;
  for (const line of unfold(text)) {
    const property = parseProperty(line);
    if (property === undefined) continue;
    const name = property.value.trim().toUpperCase();
    const current = open.at(-1) ?? root;
    if (property.name === 'BEGIN') {
      if (open.length > MAX_DEPTH) {
        tooDeep += 1;
        continue;
      }
      const component = new CalendarComponent(name);
      current.components.push(component);
      open.push(component);
    } else if (property.name === 'END') {
      if (tooDeep > 0) tooDeep -= 1;
      else if (open.length > 1 && current.name === name) open.pop();
    } else if (tooDeep === 0) {
      current.properties.push(property);
    }
  }
  return root.all('VCALENDAR')[0];
}

/** RFC 5545 3.1: a line that begins with a blank goes on with the one before it. */
function unfold(text: string): string[] {
  const lines: string[] = [];
  let pieces: string[] = [];
  const finish = (): void => {
    if (pieces.length > 0) lines.push(pieces.join('').slice(0, MAX_LINE));
    pieces = [];
  };
  for (const line of text.split(/\r?\n/, MAX_LINES)) {
    if (/^[ \t]/.test(line)) {
      pieces.push(line.slice(1));
      continue;
    }
    finish();
    pieces.push(line);
  }
  finish();
  return lines;
}

/** `NAME;KEY=value,"value":…`, in one pass. */
function parseProperty(line: string): CalendarProperty | undefined {
  const name = /^[A-Za-z0-9-]{1,64}/.exec(line)?.[0];
  if (name === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = name.length;
  while (line[at] === ';') {
    const equals = line.indexOf('=', at);
    if (equals < 0 || equals - at > 65) return undefined;
    const key = line.slice(at + 1, equals).toUpperCase();
    at = endOfValues(line, equals + 1);
    // Of several values the text of all is kept; parameters that are read here have one.
    parameters.set(key, line.slice(equals + 1, at).replaceAll('"', ''));
  }
  return line[at] === ':' ? { name: name.toUpperCase(), parameters, value: line.slice(at + 1) } : undefined;
}

/** The offset of the next semicolon or colon outside quotes. */
function endOfValues(line: string, from: number): number {
  let quoted = false;
  for (let at = from; at < line.length; at += 1) {
    const char = line[at];
    if (char === '"') quoted = !quoted;
    else if (!quoted && (char === ';' || char === ':')) return at;
  }
  return line.length;
}

/** RFC 5545 3.3.11. */
export function unescapeText(value: string): string {
  return value.replace(/\\([\\;,nN])/g, (_, char: string) => (char.toLowerCase() === 'n' ? '\r\n' : char));
}

/** A date or a date with a time as it is written (RFC 5545 3.3.4, 3.3.5). */
export interface CalendarStamp {
  /** Milliseconds since 1970 of what the clock shows, as if it were UTC. */
  readonly local: number;
  /** A day without a time of day. */
  readonly isDate: boolean;
  /** It ends in Z. */
  readonly isUtc: boolean;
}

/** Undefined for what is no date, or has a thirteenth month. */
export function parseStamp(text: string | undefined): CalendarStamp | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?$/.exec(text?.trim() ?? '');
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59) return undefined;
  const local = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59));
  return { local, isDate: match[4] === undefined, isUtc: match[7] === 'Z' };
}

/** The parts of a recurrence rule (RFC 5545 3.3.10) by their names in upper case; of a part that comes twice, the last. */
export function ruleParts(rule: string): ReadonlyMap<string, string> {
  return new Map(
    rule
      .trim()
      .split(';', 32)
      .map((part) => {
        const [name = '', value = ''] = part.split('=', 2);
        return [name.trim().toUpperCase(), value.trim().toUpperCase()];
      }),
  );
}
