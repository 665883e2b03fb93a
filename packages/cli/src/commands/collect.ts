/** The argument parser of an option that may be given several times: all its values, in their order. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
