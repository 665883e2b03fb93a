/**
 * Finds groups of files that import each other, directly or through others, and returns one cycle of each group, the first
 * file repeated at the end. `edges` lists what each file imports; names that are no key are ignored.
 */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const path = cycleThrough(start, edges);
    if (path === undefined) continue;
    if (!path.some((file) => done.has(file))) cycles.push(path);
    for (const file of path) done.add(file);
  }
  return cycles;
}

/** One of the shortest ways from a file back to itself. */
function cycleThrough(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  let front = [start];
  while (front.length > 0) {
    const next: string[] = [];
    for (const file of front) {
      for (const target of edges.get(file) ?? []) {
        if (target === start) return [...wayTo(file, start, cameFrom), start];
        if (cameFrom.has(target)) continue;
        cameFrom.set(target, file);
        next.push(target);
      }
    }
    front = next;
  }
  return undefined;
}

function wayTo(file: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [file];
  for (let at = file; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    way.unshift(at);
  }
  return way;
}
