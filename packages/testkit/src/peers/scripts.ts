import { fileURLToPath } from 'node:url';

/** The path of a script in packages/testkit/peers. */
export function peerScript(name: string): string {
  return fileURLToPath(new URL(`../../peers/${name}`, import.meta.url));
}
