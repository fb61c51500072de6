// graphile-worker, with its local queue and batched completion (its fastest settings), or with its defaults:
// node graphile_worker.mjs <local queue size, 0: none>
import { now, payload, report, require, runs } from './contender.mjs';

const { Logger, run, runMigrations } = require('graphile-worker');
const { Pool } = require('pg');

const localQueue = Number(process.argv[2]);
const pgPool = new Pool({ max: 10 });
for (const event of ['error', 'connect']) pgPool.on(event, () => {}); // it asks for them
const logger = new Logger(() => () => {});
await runMigrations({ pgPool, logger });
for (let left = runs; left > 0; left -= 10000) {
  await pgPool.query(
    `SELECT graphile_worker.add_jobs(array_agg(ROW('work', $2::json, NULL, now(), 3::smallint, NULL, 0::smallint, NULL)
       ::graphile_worker.job_spec)) FROM generate_series(1, $1::int)`,
    [Math.min(left, 10000), payload]
  );
}

let completed = 0;
let allDone;
const done = new Promise((resolve) => (allDone = resolve));
const preset = {
  worker: {
    concurrentJobs: 24,
    pollInterval: 1000,
    ...(localQueue > 0 ? { localQueue: { size: localQueue }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
  },
};
const start = now();
const runner = await run({
  pgPool,
  logger,
  preset,
  noHandleSignals: true,
  taskList: { work: () => void (++completed === runs && allDone()) },
});
await done;
async function left() {
  const { rows } = await pgPool.query('SELECT count(*)::int AS n FROM graphile_worker._private_jobs');
  return rows[0].n;
}
while ((await left()) > 0); // the last completions are still being written
const seconds = now() - start;
report(seconds, completed);
await runner.stop();
await pgPool.end();
