import type { Settings } from './settings.ts';

/** What stays as it was when the process began, whatever is reloaded. */
const FIXED = ['listen', 'endpoints', 'limits', 'channelLifetime', 'connectionTimeout'] as const;

/** One sentence for each change that takes effect after a restart only; rules, accounts and certificates never need one. */
export function needRestart(before: Settings, after: Settings): string[] {
  return FIXED.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).map(
    (key) => `a change of "${key}" takes effect after a restart`,
  );
}
