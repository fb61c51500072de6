// BullMQ on Redis, which keeps nothing on disk here: node bullmq.mjs <concurrency>
import { now, payload, report, require, runs } from './contender.mjs';

const { Queue, Worker } = require('bullmq');

const connection = { path: process.env.REDIS_SOCKET };
const queue = new Queue('work', { connection });
await queue.obliterate({ force: true });
for (let left = runs; left > 0; left -= 5000) {
  await queue.addBulk(
    Array.from({ length: Math.min(left, 5000) }, () => ({ name: 'work', data: payload, opts: { removeOnComplete: true } }))
  );
}

let completed = 0;
let allDone;
const done = new Promise((resolve) => (allDone = resolve));
const start = now();
const worker = new Worker('work', async () => {}, { connection, concurrency: Number(process.argv[2]), autorun: false });
worker.on('error', (error) => {
  throw error;
});
worker.on('completed', () => void (++completed === runs && allDone())); // after Redis has confirmed it
worker.run();
await done;
const seconds = now() - start;
report(seconds, completed);
await worker.close();
await queue.close();
