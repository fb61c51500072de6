// Histogram logs between assay and npm's hdr-histogram-js, both ways, figure by figure:
//   node hdr_histogram_test.cjs <assay> <sample_histogram_log>
// A seed is drawn and printed; ASSAY_SEED=<seed> replays it.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

let hdr;
try {
  hdr = require('hdr-histogram-js');
} catch {
  console.error('hdr-histogram-js: not there; run `npm ci` in the repository (./check does)');
  process.exit(1);
}

const [assay, sample_histogram_log] = process.argv.slice(2);
const seed = Number(process.env.ASSAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-interchange-'));
const percentiles = { p50: 50, p75: 75, p90: 90, p95: 95, p99: 99, 'p99.9': 99.9, 'p99.99': 99.99, 'p99.999': 99.999 };
const complaints = [];

function same(what, ours, theirs) {
  if (ours !== theirs) complaints.push(`${what}: assay says ${ours}, hdr-histogram-js ${theirs}`);
}

// Theirs is a histogram of one tag; ours is an entry of `assay inspect --format json`.
function compare(what, ours, theirs) {
  same(`${what}: count`, ours.count, theirs.totalCount);
  if (theirs.totalCount === 0) return;
  // Of its own "minValue" and "maxValue", hdr-histogram-js leaves out zeros and rounds to no slot.
  same(`${what}: min`, ours.min, theirs.getCountAtIndex(0) > 0 ? 0 : theirs.minNonZeroValue);
  if (Math.abs(ours.mean - theirs.mean) > 1e-9 * theirs.mean) same(`${what}: mean`, ours.mean, theirs.mean);
  for (const [key, percent] of Object.entries(percentiles)) {
    same(`${what}: ${key}`, ours[key], theirs.getValueAtPercentile(percent));
  }
  same(`${what}: max`, ours.max, theirs.getValueAtPercentile(100));
}

const inspect = (file) => JSON.parse(execFileSync(assay, ['inspect', file, '--format', 'json']));

// 64-bit counts: what adds up over a log may exceed 32.
function read_by_tag(file) {
  const reader = new hdr.HistogramLogReader(fs.readFileSync(file, 'utf8'), 64);
  const tags = new Map();
  for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) {
    const tag = next.tag === 'NO TAG' ? '' : next.tag;
    const known = tags.get(tag) ?? { intervals: 0, begin_ms: next.startTimeStampMsec };
    if (known.sum) known.sum.add(next);
    known.sum ??= next;
    known.intervals += 1;
    tags.set(tag, known);
  }
  return tags;
}

function compare_log(what, file) {
  const ours = inspect(file);
  const theirs = read_by_tag(file);
  same(`${what}: tags`, ours.tags.map((tag) => tag.tag).join(' '), [...theirs.keys()].join(' '));
  for (const row of ours.tags) {
    const known = theirs.get(row.tag);
    same(`${what}, tag "${row.tag}": intervals`, row.intervals, known?.intervals);
    const begin_ms = Math.round((ours.start_time_s + row.begin_s) * 1000);
    same(`${what}, tag "${row.tag}": first interval begins at`, begin_ms, Math.round(known?.begin_ms));
    if (known) compare(`${what}, tag "${row.tag}"`, row, known.sum);
  }
  return ours;
}

function random_generator(state) {  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// As hdr-histogram-js writes a log; `placed` are the ways in which logs give the times of their intervals.
function write_theirs(file, placed, kind) {
  const random = random_generator(seed);
  let text = '';
  const writer = new hdr.HistogramLogWriter((line) => { text += line; });
  const start_ms = 1763700000123;
  writer.outputComment('[Logged with another tool]');
  writer.outputLogFormatVersion();
  writer.outputStartTime(start_ms);
  if (placed === 'base time') {
    writer.outputComment(`[BaseTime: ${start_ms / 1000} (seconds since epoch)]`);
    writer.baseTime = start_ms;
  }
  writer.outputLegend();
  const expected = new Map();
  for (let second = 0; second < 4; ++second) {
    for (const tag of ['jvm', undefined]) {
      const histogram = hdr.build(kind);
      for (let n = Math.floor(random() * 3000); n > 0; --n) histogram.recordValue(Math.floor(10 ** (1 + 7 * random())));
      histogram.startTimeStampMsec = start_ms + second * 1000;
      histogram.endTimeStampMsec = start_ms + second * 1000 + 1000;
      if (tag) histogram.tag = tag;
      writer.outputIntervalHistogram(histogram);
      expected.set(tag ?? '', (expected.get(tag ?? '') ?? 0) + histogram.totalCount);
    }
  }
  fs.writeFileSync(file, text);
  return expected;
}

try {
  const ours = path.join(folder, 'ours.hlog');
  execFileSync(sample_histogram_log, [ours, String(seed)]);
  const summary = compare_log('our log', ours);
  same('our log: merged count', summary.merged.count, summary.tags.reduce((sum, tag) => sum + tag.count, 0));

  for (const placed of ['base time', 'absolute times']) {
    for (const kind of [
      { lowestDiscernibleValue: 1, highestTrackableValue: 2 ** 40, numberOfSignificantValueDigits: 3, bitBucketSize: 64 },
      { lowestDiscernibleValue: 1, highestTrackableValue: 2 ** 30, numberOfSignificantValueDigits: 2, bitBucketSize: 32 },
      { lowestDiscernibleValue: 1000, highestTrackableValue: 2 ** 40, numberOfSignificantValueDigits: 5, bitBucketSize: 64 },
    ]) {
      const file = path.join(folder, 'theirs.hlog');
      const expected = write_theirs(file, placed, kind);
      const what = `their log with ${placed} and ${kind.numberOfSignificantValueDigits} digits`;
      const read = compare_log(what, file);
      for (const tag of read.tags) same(`${what}, tag "${tag.tag}": recorded`, tag.count, expected.get(tag.tag));
    }
  }

  // A check that cannot fail proves nothing: one interval less must show.
  const lines = fs.readFileSync(ours, 'utf8').trimEnd().split('\n');
  const shorter = path.join(folder, 'shorter.hlog');
  fs.writeFileSync(shorter, lines.slice(0, -1).join('\n') + '\n');
  const before = complaints.length;
  compare('planted', inspect(ours).tags.at(-1), read_by_tag(shorter).get('')?.sum ?? hdr.build());
  if (complaints.splice(before).length === 0) complaints.push('a missing interval was not noticed');
} finally {
  fs.rmSync(folder, { recursive: true });
}

console.log(`ASSAY_SEED=${seed}`);
complaints.forEach((complaint) => console.log(complaint));
console.log(complaints.length ? 'FAILED' : 'ok');
process.exit(complaints.length ? 1 : 0);
