// What the contenders that run on Node share: where their packages are (an ES module is looked up beside its file, and
// they are installed elsewhere), the two settings, and the one line that each prints.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

export const require = createRequire(resolve(process.env.PEERS_MODULES, 'package.json'));
export const runs = Number(process.env.PEERS_RUNS);
export const payload = { text: 'x'.repeat(64) };

// `seconds`: from the first claim asked for to the last completion that the server has confirmed.
export function report(seconds, completed) {
  if (completed !== runs) throw new Error(`${completed} of ${runs} jobs were completed`);
  console.log(JSON.stringify({ runs, seconds }));
}

export const now = () => Number(process.hrtime.bigint()) / 1e9;
