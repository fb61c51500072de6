// Runs every contender once a round, in an order that turns with the rounds, each on a fresh database of one private,
// durable PostgreSQL (BullMQ: on one private Redis), and prints runs claimed and completed per second and our ratio to
// each, round by round: what slows the machine down for minutes slows both sides of a ratio. Started by `run`.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { require } from './contender.mjs';

const { Client } = require('pg');
const here = dirname(fileURLToPath(import.meta.url));
const ours = process.env.PEERS_CONTENDER;

function fail(message) {
  console.error(`peers: ${message}`);
  process.exit(2);
}

const options = { rounds: 7, runs: 60000 };
for (let i = 2; i < process.argv.length; i += 2) {
  const name = process.argv[i].replace(/^--/, '');
  const value = Number(process.argv[i + 1]);
  if (!(name in options) || !process.argv[i].startsWith('--')) fail(`${process.argv[i]}: unknown, allowed are --rounds, --runs`);
  const least = name === 'runs' ? 1000 : 1;
  if (!Number.isInteger(value) || value < least) fail(`--${name}: a whole number from ${least} is expected, found "${process.argv[i + 1] ?? ''}"`);
  options[name] = value;
}

// ---- servers -------------------------------------------------------------------------------------------------------

const children = [];
const scratch = mkdtempSync(join(tmpdir(), 'assay-peers-'));
function stopAll() {
  for (const child of children.splice(0)) {
    child.stdin?.end(); // our server stops when its input ends, Redis by the signal
    if (!child.endsWithInput) child.kill('SIGTERM');
  }
  rmSync(scratch, { recursive: true, force: true });
}
process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

async function startPostgres() {
  const child = spawn(ours, ['server'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.endsWithInput = true;
  children.push(child);
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => (text += data).includes('\n') && resolve(text.trim()));
    child.on('exit', () => reject(new Error('PostgreSQL did not start')));
  });
  const url = new URL(line.replace('postgresql://assay@/', 'postgresql://assay@here/')); // an empty host is no URL to Node
  return { PGHOST: url.searchParams.get('host'), PGPORT: url.searchParams.get('port'), PGUSER: 'assay' };
}

async function startRedis() {
  if (spawnSync('redis-server', ['--version']).status !== 0) return null;
  const socket = join(scratch, 'redis');
  const child = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', scratch]);
  children.push(child);
  await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => (text += data).includes('Ready to accept') || text.includes('now ready') ? resolve() : 0);
    child.on('exit', () => reject(new Error(`Redis did not start: ${text}`)));
  });
  return socket;
}

// ---- contenders ----------------------------------------------------------------------------------------------------

const server = await startPostgres();
const redisSocket = await startRedis();
const admin = new Client({ host: server.PGHOST, port: Number(server.PGPORT), user: server.PGUSER, database: 'postgres' });
await admin.connect();

const url = (database) => `postgresql://assay@/${database}?host=${server.PGHOST}&port=${server.PGPORT}`;
const run = (program, args, more) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...more }, maxBuffer: 1 << 26 });
const perSecond = (line) => {
  const { runs, seconds } = JSON.parse(line);
  return runs / seconds;
};
const node = (program, args, runs) => (database) =>
  perSecond(run('node', [join(here, program), ...args], { ...server, PGDATABASE: database, PEERS_RUNS: runs, REDIS_SOCKET: redisSocket ?? '' }));
const claimStore = (callers, perCall) => (database) =>
  perSecond(run(ours, ['run', '--postgres-url', url(database), '--runs', options.runs, '--callers', callers, '--per-call', perCall]));

const pgbench = (clients, perCall) => async (database) => {
  const script = join(scratch, 'claim_and_complete.sql');
  const prepared = JSON.parse(
    run(ours, ['prepare', '--postgres-url', url(database), '--runs', options.runs, '--per-call', perCall, '--clients', clients, '--script', script])
  );
  const transactions = Math.floor(options.runs / perCall / clients);
  const said = run(
    'pgbench',
    ['-n', '-M', 'prepared', '-c', clients, '-j', '1', '-t', transactions, '-D', 'first=0', '-f', script, database],
    { ...server, PGOPTIONS: prepared.pgoptions }
  );
  const tps = Number(/^tps = ([0-9.]+)/m.exec(said)?.[1]);
  const counted = await ask(database, 'SELECT sum(completed)::int AS n FROM assay_batch.tally');
  if (!(tps > 0) || counted !== transactions * clients * perCall) fail(`pgbench completed ${counted} runs: ${said}`);
  return tps * perCall;
};

async function ask(database, sql) {
  const client = new Client({ host: server.PGHOST, port: Number(server.PGPORT), user: server.PGUSER, database });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows[0].n;
}

// The first is what the others are compared with; `target` is what the ratio should be at least.
const contenders = [
  { name: 'assay, postgres-batch', measure: claimStore(4, 500) },
  { name: 'the same SQL by pgbench, 2 connections', measure: pgbench(2, 500), target: 0.85 },
  { name: 'graphile-worker, local queue 500', measure: node('graphile_worker.mjs', [500], options.runs), target: 2 },
  { name: 'graphile-worker, defaults', measure: node('graphile_worker.mjs', [0], Math.ceil(options.runs / 6)) },
  { name: 'pg-boss, batch 100', measure: node('pg_boss.mjs', [100, 4], Math.ceil(options.runs / 4)), target: 6 },
  { name: 'BullMQ on Redis (nothing on disk)', measure: node('bullmq.mjs', [50], options.runs), redis: true },
].filter((contender) => redisSocket || !contender.redis);
if (!redisSocket) console.log('left out: BullMQ (redis-server is missing)');

// ---- rounds --------------------------------------------------------------------------------------------------------

const results = contenders.map(() => []);
for (let round = 0; round < options.rounds; ++round) {
  for (let i = 0; i < contenders.length; ++i) {
    const which = (i + round) % contenders.length;
    await admin.query('CREATE DATABASE contest');
    await admin.query('CHECKPOINT'); // nobody pays for what somebody else wrote
    try {
      results[which].push(await contenders[which].measure('contest'));
    } catch (error) {
      fail(`${contenders[which].name}: ${error.stderr || error.message}`);
    }
    await admin.query('DROP DATABASE contest WITH (FORCE)');
  }
  process.stderr.write(`round ${round + 1} of ${options.rounds}: ${results.map((r) => Math.round(r.at(-1))).join(' ')}\n`);
}
await admin.end();

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
const spread = (values, digits) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} … ${Math.max(...values).toFixed(digits)})`;

console.log(`\nClaimed and completed per second, and how many times as many we do in the same round; median (least … most) of ${options.rounds} rounds:\n`);
console.log(`| | runs per second | ours is so many times | wanted |\n|---|---|---|---|`);
let missed = false;
contenders.forEach((contender, i) => {
  const ratios = results[i].map((value, round) => results[0][round] / value);
  const kept = contender.target === undefined || median(ratios) >= contender.target;
  missed ||= !kept;
  const wanted = contender.target === undefined ? '' : `${contender.target} or more: ${kept ? 'kept' : 'MISSED'}`;
  console.log(`| ${contender.name} | ${spread(results[i], 0)} | ${i === 0 ? '' : spread(ratios, 2)} | ${wanted} |`);
});
process.exit(missed ? 3 : 0); // the servers, which would keep us alive, are stopped on the way out
