// pg-boss through fetch() and complete(), which has no poll interval in the way: node pg_boss.mjs <batch> <fetchers>
import { now, payload, report, require, runs } from './contender.mjs';

const PgBoss = require('pg-boss');

const batchSize = Number(process.argv[2]);
const fetchers = Number(process.argv[3]);
const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env;
const boss = new PgBoss({ host, port: Number(port), user, database, max: 10, supervise: false, schedule: false });
boss.on('error', (error) => {
  throw error;
});
await boss.start();
await boss.createQueue('work');
for (let left = runs; left > 0; left -= 10000) {
  await boss.insert(Array.from({ length: Math.min(left, 10000) }, () => ({ name: 'work', data: payload })));
}

let completed = 0;
async function work() {
  for (;;) {
    const jobs = await boss.fetch('work', { batchSize });
    if (jobs.length === 0) return;
    await boss.complete('work', jobs.map((job) => job.id));
    completed += jobs.length;
  }
}
const start = now();
await Promise.all(Array.from({ length: fetchers }, work));
const seconds = now() - start;
report(seconds, completed);
await boss.stop({ graceful: false });
