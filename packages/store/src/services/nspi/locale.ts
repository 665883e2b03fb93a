/** Languages by the primary language id of an LCID, its low ten bits ([MS-LCID] 2.1): those that sort otherwise than English does. */
const LANGUAGES: ReadonlyMap<number, string> = new Map([
  [0x01, 'ar'],
  [0x02, 'bg'],
  [0x04, 'zh'],
  [0x05, 'cs'],
  [0x06, 'da'],
  [0x07, 'de'],
  [0x08, 'el'],
  [0x0a, 'es'],
  [0x0b, 'fi'],
  [0x0c, 'fr'],
  [0x0d, 'he'],
  [0x0e, 'hu'],
  [0x0f, 'is'],
  [0x10, 'it'],
  [0x11, 'ja'],
  [0x12, 'ko'],
  [0x13, 'nl'],
  [0x14, 'nb'],
  [0x15, 'pl'],
  [0x16, 'pt'],
  [0x18, 'ro'],
  [0x19, 'ru'],
  [0x1a, 'hr'],
  [0x1b, 'sk'],
  [0x1c, 'sq'],
  [0x1d, 'sv'],
  [0x1e, 'th'],
  [0x1f, 'tr'],
  [0x21, 'id'],
  [0x22, 'uk'],
  [0x23, 'be'],
  [0x24, 'sl'],
  [0x25, 'et'],
  [0x26, 'lv'],
  [0x27, 'lt'],
  [0x29, 'fa'],
  [0x2a, 'vi'],
]);

/** LCIDs that sort otherwise than their language does by default: traditional Spanish, the German telephone book, Chinese by strokes. */
const VARIANTS: ReadonlyMap<number, string> = new Map([
  [0x0404, 'zh-Hant'],
  [0x0c04, 'zh-Hant'],
  [0x1404, 'zh-Hant'],
  [0x040a, 'es-u-co-trad'],
  [0x10407, 'de-u-co-phonebk'],
  [0x20804, 'zh-u-co-stroke'],
]);

/** What an LCID without a language of ours sorts by: NSPI_DEFAULT_LOCALE, English ([MS-OXNSPI] 2.2.1.4). */
const DEFAULT = 'en';

/**
 * The locale closest to an LCID, as a BCP 47 tag: the LCID itself, else its language, else English ([MS-NSPI] 3.1.1.2.5.1). There
 * are some forty, whatever clients ask for.
 */
export function localeOf(lcid: number): string {
  return VARIANTS.get(lcid) ?? LANGUAGES.get(lcid & 0x3ff) ?? DEFAULT;
}

/** How names are compared in a locale. */
export interface Collation {
  /** The order of tables: what differs in case or accents differs. */
  readonly sort: (a: string, b: string) => number;
  /** The same order without regard to case, for finding the place of what somebody typed. */
  readonly seek: (a: string, b: string) => number;
}

const collations = new Map<string, Collation>();

/** How a locale sorts ([MS-OXNSPI] 3.1.4.2). */
export function collationOf(locale: string): Collation {
  let collation = collations.get(locale);
  if (collation === undefined) {
    collation = {
      sort: new Intl.Collator(locale, { usage: 'sort', sensitivity: 'variant' }).compare,
      seek: new Intl.Collator(locale, { usage: 'sort', sensitivity: 'accent' }).compare,
    };
    collations.set(locale, collation);
  }
  return collation;
}
