/**
 * The client that vanishes: opens one session, makes a call, says so, and stays for as long as its standard input is open.
 * Its options are its argument, JSON.
 */
import { ScriptedClient, type ScriptedClientOptions } from '../../src/scripted-client.ts';

process.stdin.on('end', () => process.exit()).resume();
const client = await ScriptedClient.open(JSON.parse(process.argv[2] ?? '') as ScriptedClientOptions);
await client.call();
process.stdout.write('open\n');
