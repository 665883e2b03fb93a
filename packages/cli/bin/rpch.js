#!/usr/bin/env node
// Starts the command line from its TypeScript source (Node 22.18 and later run it as it is) or from what was published.
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `rpch needs Node 22.18 or later; this is ${process.version}. In a checkout, "npx rpch" and "npm start" bring their own.`,
  );
  process.exit(2);
}
const source = new URL('../src/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href);
await main(process.argv);
