import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { topSelfTimes } from '../profile.ts';
const dir = process.argv[2] ?? '';
for (const f of readdirSync(dir)) {
  const p = JSON.parse(readFileSync(join(dir, f), 'utf8'));
  const since = p.startTime + 4_000_000;
  console.log('== self', f);
  for (const t of topSelfTimes(p, Number(process.argv[3] ?? 32), since)) console.log(t.milliseconds.toFixed(0).padStart(6), (t.share * 100).toFixed(1).padStart(5), t.where);
  const parent = new Map<number, number>(); const byId = new Map<number, any>();
  for (const n of p.nodes) { byId.set(n.id, n); for (const c of n.children ?? []) parent.set(c, n.id); }
  const incl = new Map<string, number>(); let busy = 0, now = p.startTime;
  p.samples.forEach((id: number, at: number) => { now += p.timeDeltas[at] ?? 0; const d = p.timeDeltas[at + 1] ?? 0; if (now < since || byId.get(id).callFrame.functionName === '(idle)') return; busy += d; const seen = new Set<string>(); for (let n: number | undefined = id; n !== undefined; n = parent.get(n)) { const cf = byId.get(n).callFrame; const k = cf.functionName + ' ' + cf.url.split('/').slice(-2).join('/') + ':' + (cf.lineNumber + 1); if (!seen.has(k)) { seen.add(k); incl.set(k, (incl.get(k) ?? 0) + d); } } });
  console.log('== inclusive');
  for (const [k, t] of [...incl].sort((a, b) => b[1] - a[1]).slice(0, Number(process.argv[3] ?? 32))) console.log((t / 1000).toFixed(0).padStart(6), (100 * t / busy).toFixed(1).padStart(5), k);
}
