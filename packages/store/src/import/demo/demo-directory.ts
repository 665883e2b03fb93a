import { stringify } from 'yaml';
import { demoPeople, type Who } from './people.ts';

const TITLES: Readonly<Partial<Record<Who, string>>> = { alice: 'Head of Development', bob: 'Electronics Engineer' };
const COLLEAGUES = ['priya', 'tomas'] as const;
const OUTSIDE = ['juergen', 'francois', 'hanako', 'liwei', 'olena', 'maria', 'shop'] as const;

/** The directory.yaml of the demonstration: those who write to alice and bob, and groups of them. */
export function demoDirectory(domain: string): string {
  const people = demoPeople(domain);
  const described = (who: Who) => {
    const { name, address } = people[who];
    const [givenName = name, surname] = name.split(' ');
    const title = TITLES[who];
    return { displayName: name, givenName, ...(surname && { surname }), address, ...(title && { title }) };
  };
  const all = (names: readonly Who[]) => Object.fromEntries(names.map((who) => [who, described(who)]));
  const team = ['alice', 'bob', ...COLLEAGUES];
  return stringify({
    organization: { name: 'Example', domain },
    users: all(['alice', 'bob']),
    groups: {
      development: { displayName: 'Development', address: `development@${domain}`, members: team },
      everybody: { displayName: 'Everybody', address: `everybody@${domain}`, members: ['development', 'office'] },
    },
    contacts: all([...COLLEAGUES, 'office', ...OUTSIDE]),
  });
}
