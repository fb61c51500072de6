#include "reference_coordinator/backends/postgres/batch_sql.hpp"

// Plans are made once, when the tables may be empty, and used when they are not. So no statement leaves the planner a
// choice that depends on their sizes: each reaches `run` and `run_lease` by keys it was given (= ANY, or a LATERAL
// lookup that can't be turned around), sequential scans are off, and joins hash two sides of the size of the batch.
namespace assay::postgres {

// One run of 1,000 becomes: an insert into run and run_ready; a delete from run_ready and an insert into run_lease; a
// delete from run_lease and an update of run that touches no indexed column and finds room on its page (HOT). `run` is
// read once, by its key, for the payload. Nothing on the way updates an index entry that somebody else is looking for.
Schema batch_schema() {
  Schema schema;
  schema.name = "assay_batch";
  schema.version = 1;
  // A queue's table is empty most of the time and turns over in seconds: vacuum by number of dead rows, not by share,
  // and never give the space back to the operating system (that takes an exclusive lock). Statistics change no plan
  // here.
  std::string const queue =
      "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, "
      "autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = "
      "2000000000, vacuum_truncate = off";
  schema.create = {
      "CREATE TABLE assay_batch.tag_set (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tags text COLLATE \"C\" NOT "
      "NULL UNIQUE)",
      // Each batch takes one number; a run's place within its batch is added to it.
      "CREATE SEQUENCE assay_batch.batch_place INCREMENT BY 65536",
      // state: 0 open, 1 completed, 2 dead. said: what the last accepted report said, 1 completed or 2 failed, by which
      // token. The columns of fixed width first. Half of each page is left for the one update that most runs see.
      "CREATE TABLE assay_batch.run (id uuid PRIMARY KEY, seq bigint NOT NULL, epoch bigint NOT NULL DEFAULT 0, "
      "counter bigint NOT NULL DEFAULT 0, tag_set int NOT NULL, max_attempts int NOT NULL, attempts int NOT NULL "
      "DEFAULT 0, priority smallint NOT NULL, state smallint NOT NULL DEFAULT 0, said smallint NOT NULL DEFAULT 0, "
      "runner text NOT NULL DEFAULT '', payload bytea NOT NULL, result bytea NOT NULL DEFAULT '') WITH (fillfactor = "
      "50)",
      "CREATE TABLE assay_batch.run_ready (run uuid NOT NULL, seq bigint NOT NULL, since timestamptz NOT NULL DEFAULT "
      "now(), tag_set int NOT NULL, attempt int NOT NULL DEFAULT 1, priority smallint NOT NULL) WITH (" +
          queue + ")",
      "CREATE UNIQUE INDEX run_ready_order ON assay_batch.run_ready (tag_set, priority DESC, seq)",
      // No index on `until`, so that a renewal is HOT; the sweep reads the table, which is as long as runs are in
      // flight.
      "CREATE TABLE assay_batch.run_lease (run uuid PRIMARY KEY, epoch bigint NOT NULL, counter bigint NOT NULL, until "
      "timestamptz NOT NULL, attempt int NOT NULL, runner text NOT NULL) WITH (fillfactor = 70, " +
          queue + ")",
      "CREATE TABLE assay_batch.run_delayed (run uuid PRIMARY KEY, due timestamptz NOT NULL, attempt int NOT NULL) "
      "WITH (" +
          queue + ")",
      "CREATE INDEX run_delayed_due ON assay_batch.run_delayed (due)",
      // Ended runs, counted where they end, so that depth() need not read all that ever was.
      "CREATE TABLE assay_batch.tally (epoch bigint NOT NULL, who int NOT NULL, completed bigint NOT NULL DEFAULT 0, "
      "dead bigint NOT NULL DEFAULT 0, PRIMARY KEY (epoch, who)) WITH (fillfactor = 10)",
  };
  return schema;
}

namespace {

Prepared new_tag_sets() {
  return {"new_tag_sets", "SELECT id, tags FROM assay_batch.tag_set WHERE id > $1::int4 ORDER BY id"};
}

// $2 runs at most, $3 lease in microseconds, $4 epoch, $5 the counter before the first token, $6 runners, $7 where each
// runner's share of the $2 ends. `picked` numbers the runs from 1 in the order in which they are given out.
constexpr char const* take_picked =
    "gone AS (DELETE FROM assay_batch.run_ready WHERE ctid = ANY (ARRAY(SELECT place FROM picked))), leased AS (INSERT "
    "INTO assay_batch.run_lease (run, epoch, counter, until, attempt, runner) SELECT run, $4::int8, $5::int8 + n, "
    "now() + $3::int8 * interval '1 microsecond', attempt, ($6::text[])[width_bucket(n - 1, $7::int8[]) + 1] FROM "
    "picked) SELECT p.n, p.run, p.tag_set, p.priority, p.attempt, (SELECT r.payload FROM assay_batch.run r WHERE r.id "
    "= p.run) FROM picked p";

// The deletion of a lease by its own token: the fence, and the lock that decides between racing reports and the sweep.
constexpr char const* end_claims =
    "ended AS (DELETE FROM assay_batch.run_lease l USING unnest($1::uuid[], $2::int8[], $3::int8[], $4::bytea[]) WITH "
    "ORDINALITY AS i (run, epoch, counter, said, item) WHERE l.run = ANY ($1::uuid[]) AND l.run = i.run AND l.epoch = "
    "i.epoch AND l.counter = i.counter RETURNING l.run, l.epoch, l.counter, l.attempt, l.runner, i.said, i.item)";

}  // namespace

std::vector<std::string> steady_plans() {
  return {"SET plan_cache_mode = force_generic_plan",
          "SET enable_seqscan = off",
          "SET enable_bitmapscan = off",
          "SET enable_mergejoin = off",
          "SET enable_nestloop = off",
          "SET jit = off"};
}

std::vector<Prepared> submit_statements() {
  std::string const insert =
      "added AS (INSERT INTO assay_batch.run (id, tag_set, priority, max_attempts, payload, seq) SELECT i.id, "
      "i.tag_set, i.priority, i.max_attempts, i.payload, currval('assay_batch.batch_place') + i.place FROM "
      "unnest($1::uuid[], $2::int4[], $3::int2[], $4::int4[], $5::bytea[], $6::int4[]) AS i (id, tag_set, priority, "
      "max_attempts, payload, place) ON CONFLICT (id) DO NOTHING RETURNING id, tag_set, priority, seq)";
  return {
      {"place", "SELECT nextval('assay_batch.batch_place')"},
      {"submit", "WITH " + insert +
                     ", queued AS (INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority) SELECT id, seq, "
                     "tag_set, priority FROM added) SELECT id FROM added"},
      // For each run: $7 the number of the offer of the poll that waits for it, $8 the counter of its token, $9 the
      // lease in microseconds, $10 the runner. For each offer ($11) the tag sets that it fits ($12), of those up to
      // $13; $14 epoch. `busy` are the offers for which something is ready already; a run for those waits its turn.
      {"submit_matched",
       "WITH " + insert +
           ", busy AS MATERIALIZED (SELECT DISTINCT o.offer FROM unnest($11::int4[], $12::int4[]) AS o (offer, "
           "tag_set) CROSS JOIN LATERAL (SELECT FROM assay_batch.run_ready r WHERE r.tag_set = o.tag_set LIMIT 1) AS "
           "older), leased AS (INSERT INTO assay_batch.run_lease (run, epoch, counter, until, attempt, runner) SELECT "
           "a.id, $14::int8, t.counter, now() + t.lease * interval '1 microsecond', 1, t.runner FROM added a JOIN "
           "unnest($1::uuid[], $7::int4[], $8::int8[], $9::int8[], $10::text[]) AS t (id, offer, counter, lease, "
           "runner) ON t.id = a.id WHERE t.offer <> ALL (ARRAY(SELECT offer FROM busy)) AND NOT EXISTS (SELECT FROM "
           "assay_batch.tag_set WHERE id > $13::int4) RETURNING run), queued AS (INSERT INTO assay_batch.run_ready "
           "(run, seq, tag_set, priority) SELECT a.id, a.seq, a.tag_set, a.priority FROM added a LEFT JOIN leased l ON "
           "l.run = a.id WHERE l.run IS NULL) SELECT a.id, l.run IS NOT NULL FROM added a LEFT JOIN leased l ON l.run "
           "= a.id"},
      // $7 the delays in microseconds, by place from 0.
      {"submit_delayed", "WITH " + insert +
                             ", queued AS (INSERT INTO assay_batch.run_delayed (run, due, attempt) SELECT id, now() + "
                             "($7::int8[])[(seq - currval('assay_batch.batch_place') + 1)::int4] * interval '1 "
                             "microsecond', 1 FROM added) SELECT id FROM added"},
  };
}

std::vector<Prepared> claim_statements() {
  std::string const rest = take_picked;
  return {
      new_tag_sets(),
      // The exact claim: locks up to $2 heads of every fitting set and takes the best of them. With one set that is no
      // more than is taken.
      {"claim_heads",
       "WITH picked AS MATERIALIZED (SELECT h.*, row_number() OVER (ORDER BY h.priority DESC, h.seq) AS n FROM "
       "unnest($1::int4[]) AS s (tag_set) CROSS JOIN LATERAL (SELECT r.ctid AS place, r.run, r.tag_set, r.priority, "
       "r.seq, r.attempt FROM assay_batch.run_ready r WHERE r.tag_set = s.tag_set ORDER BY r.priority DESC, r.seq "
       "LIMIT $2::int8 FOR UPDATE SKIP LOCKED) AS h ORDER BY h.priority DESC, h.seq LIMIT $2::int8), " +
           rest},
      // Several groups of runners that one set each fits, in one statement: of each set its first $8 heads, numbered
      // from its $2 + 1.
      {"claim_lanes",
       "WITH picked AS MATERIALIZED (SELECT h.*, l.before + row_number() OVER (PARTITION BY h.tag_set ORDER BY "
       "h.priority DESC, h.seq) AS n FROM unnest($1::int4[], $2::int8[], $8::int8[]) AS l (tag_set, before, wanted) "
       "CROSS JOIN LATERAL (SELECT r.ctid AS place, r.run, r.tag_set, r.priority, r.seq, r.attempt FROM "
       "assay_batch.run_ready r WHERE r.tag_set = l.tag_set ORDER BY r.priority DESC, r.seq LIMIT l.wanted FOR UPDATE "
       "SKIP LOCKED) AS h), " +
           rest},
      // With several sets: look first how many of the best $2 each set has, then lock just those. Another coordinator
      // may take some in between; the last row (n = 0) says how many there had been, so that the store can ask again
      // with claim_heads.
      //
      // Of hundreds of sets, each has few of the best: `first` looks at $8 heads of each, and only a set that has all
      // of its $8 among the best is looked at deeper. Others can't have more: what follows in them is behind one that
      // $2 runs come before.
      {"claim_merged",
       "WITH first AS MATERIALIZED (SELECT best.tag_set, count(*) AS runs FROM (SELECT h.* FROM unnest($1::int4[]) AS "
       "s "
       "(tag_set) CROSS JOIN LATERAL (SELECT r.tag_set, r.priority, r.seq FROM assay_batch.run_ready r WHERE r.tag_set "
       "= s.tag_set ORDER BY r.priority DESC, r.seq LIMIT $8::int8) AS h ORDER BY h.priority DESC, h.seq LIMIT "
       "$2::int8) AS best GROUP BY best.tag_set), wanted AS MATERIALIZED (SELECT best.tag_set, count(*) AS runs FROM "
       "(SELECT h.* FROM first f CROSS JOIN LATERAL (SELECT r.tag_set, r.priority, r.seq FROM assay_batch.run_ready r "
       "WHERE r.tag_set = f.tag_set ORDER BY r.priority DESC, r.seq LIMIT CASE WHEN f.runs < $8::int8 THEN f.runs ELSE "
       "$2::int8 END) AS h ORDER BY h.priority DESC, h.seq LIMIT $2::int8) AS best GROUP BY best.tag_set), picked AS "
       "MATERIALIZED (SELECT h.*, row_number() OVER (ORDER BY h.priority DESC, h.seq) AS n FROM wanted w CROSS JOIN "
       "LATERAL (SELECT r.ctid AS place, r.run, r.tag_set, r.priority, r.seq, r.attempt FROM assay_batch.run_ready r "
       "WHERE r.tag_set = w.tag_set ORDER BY r.priority DESC, r.seq LIMIT w.runs FOR UPDATE SKIP LOCKED) AS h), " +
           rest + " UNION ALL SELECT 0, NULL, (SELECT coalesce(sum(runs), 0)::int4 FROM wanted), NULL, NULL, NULL"},
      // Claims whose answer was lost, back to where they were. $1 epoch, $2 … $3 the counters of that batch.
      {"undo_claims",
       "WITH ended AS (DELETE FROM assay_batch.run_lease WHERE epoch = $1::int8 AND counter BETWEEN $2::int8 AND "
       "$3::int8 RETURNING run, attempt) INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority, attempt) "
       "SELECT e.run, r.seq, r.tag_set, r.priority, e.attempt FROM ended e CROSS JOIN LATERAL (SELECT seq, tag_set, "
       "priority FROM assay_batch.run WHERE id = e.run LIMIT 1) AS r"},
  };
}

std::vector<Prepared> complete_statements() {
  // $5 epoch of this coordinator, $6 who counts.
  return {{"complete",
           std::string{"WITH "} + end_claims +
               ", done AS (UPDATE assay_batch.run r SET state = 1, said = 1, attempts = e.attempt, epoch = e.epoch, "
               "counter = e.counter, runner = e.runner, result = e.said FROM ended e WHERE r.id = ANY ($1::uuid[]) AND "
               "r.id = e.run), counted AS (UPDATE assay_batch.tally SET completed = completed + (SELECT count(*) FROM "
               "ended) WHERE epoch = $5::int8 AND who = $6::int4) SELECT item FROM ended"}};
}

std::vector<Prepared> tend_statements() {
  return {
      // $4 leases in microseconds.
      {"renew",
       "UPDATE assay_batch.run_lease l SET until = now() + i.lease * interval '1 microsecond' FROM unnest($1::uuid[], "
       "$2::int8[], $3::int8[], $4::int8[]) WITH ORDINALITY AS i (run, epoch, counter, lease, item) WHERE l.run = ANY "
       "($1::uuid[]) AND l.run = i.run AND l.epoch = i.epoch AND l.counter = i.counter RETURNING i.item"},
      // $5 and $6 epoch and who, $7 and $8 base and limit of the back-off in microseconds: RetryPolicy::delay_after.
      {"fail",
       std::string{"WITH "} + end_claims +
           ", marked AS (UPDATE assay_batch.run r SET said = 2, attempts = e.attempt, epoch = e.epoch, counter = "
           "e.counter, runner = e.runner, result = e.said, state = CASE WHEN e.attempt >= r.max_attempts THEN 2 ELSE 0 "
           "END FROM ended e WHERE r.id = ANY ($1::uuid[]) AND r.id = e.run RETURNING r.id, r.state, r.attempts), "
           "later AS (INSERT INTO assay_batch.run_delayed (run, due, attempt) SELECT id, now() + least($8::int8, "
           "$7::int8 * power(2, least(attempts - 1, 30))) * interval '1 microsecond', attempts + 1 FROM marked WHERE "
           "state = 0), counted AS (UPDATE assay_batch.tally SET dead = dead + (SELECT count(*) FROM marked WHERE "
           "state = 2) WHERE epoch = $5::int8 AND who = $6::int4) SELECT item FROM ended"},
      {"release", std::string{"WITH "} + end_claims +
                      ", marked AS (UPDATE assay_batch.run r SET runner = e.runner FROM ended e WHERE r.id = ANY "
                      "($1::uuid[]) AND r.id = e.run RETURNING r.id, r.seq, r.tag_set, r.priority, e.attempt), back AS "
                      "(INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority, attempt) SELECT id, seq, "
                      "tag_set, priority, attempt FROM marked) SELECT item FROM ended"},
  };
}

std::vector<Prepared> control_statements() {
  return {
      new_tag_sets(),
      {"intern_lock", "SELECT pg_advisory_xact_lock('assay_batch.tag_set'::regclass::int8)"},
      {"intern",
       "INSERT INTO assay_batch.tag_set (tags) SELECT new.tags FROM unnest($1::text[]) AS new (tags) WHERE NOT EXISTS "
       "(SELECT FROM assay_batch.tag_set t WHERE t.tags = new.tags)"},
      // $1 at most so many, $2 and $3 epoch and who, $4 the cause of a dead letter. Whoever holds a lease's row at this
      // moment is reporting or renewing it, and is let go first.
      {"sweep",
       "WITH expired AS MATERIALIZED (SELECT l.ctid AS place FROM assay_batch.run_lease l WHERE l.until < now() LIMIT "
       "$1::int8 FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM assay_batch.run_lease WHERE ctid = ANY (ARRAY(SELECT "
       "place FROM expired)) RETURNING run, attempt, runner), marked AS (UPDATE assay_batch.run r SET attempts = "
       "e.attempt, runner = e.runner, state = CASE WHEN e.attempt >= r.max_attempts THEN 2 ELSE 0 END, result = CASE "
       "WHEN e.attempt >= r.max_attempts THEN $4::bytea ELSE r.result END FROM gone e WHERE r.id = ANY (ARRAY(SELECT "
       "run FROM gone)) AND r.id = e.run RETURNING r.id, r.seq, r.tag_set, r.priority, r.attempts, r.state), back AS "
       "(INSERT INTO assay_batch.run_ready (run, seq, tag_set, priority, attempt) SELECT id, seq, tag_set, priority, "
       "attempts + 1 FROM marked WHERE state = 0), counted AS (UPDATE assay_batch.tally SET dead = dead + (SELECT "
       "count(*) FROM marked WHERE state = 2) WHERE epoch = $2::int8 AND who = $3::int4) SELECT id, state FROM marked"},
      {"release_due",
       "WITH due AS MATERIALIZED (SELECT d.ctid AS place, d.run, d.attempt FROM assay_batch.run_delayed d WHERE d.due "
       "<= now() ORDER BY d.due LIMIT $1::int8 FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM assay_batch.run_delayed "
       "WHERE ctid = ANY (ARRAY(SELECT place FROM due))), back AS (INSERT INTO assay_batch.run_ready (run, seq, "
       "tag_set, priority, attempt) SELECT d.run, r.seq, r.tag_set, r.priority, d.attempt FROM due d CROSS JOIN "
       "LATERAL (SELECT seq, tag_set, priority FROM assay_batch.run WHERE id = d.run LIMIT 1) AS r) SELECT count(*) "
       "FROM due"},
      {"depth",
       "SELECT (SELECT count(*) FROM assay_batch.run_delayed), ready.runs, (SELECT count(*) FROM "
       "assay_batch.run_lease), ended.completed, ended.dead, ready.age FROM (SELECT count(*) AS runs, (extract(epoch "
       "FROM now() - min(since)) * 1000000)::int8 AS age FROM assay_batch.run_ready) AS ready, (SELECT "
       "coalesce(sum(completed), 0)::int8 AS completed, coalesce(sum(dead), 0)::int8 AS dead FROM assay_batch.tally) "
       "AS ended"},
      // The attempts that were started and not given back: a ready or delayed run's next attempt has not started.
      {"find",
       "SELECT r.state, (SELECT t.tags FROM assay_batch.tag_set t WHERE t.id = r.tag_set), r.priority, "
       "l.run IS NOT NULL AS claimed, EXISTS (SELECT FROM assay_batch.run_delayed d WHERE d.run = $1::uuid), "
       "coalesce(l.attempt, r.attempts), coalesce(l.runner, r.runner), r.result "
       "FROM assay_batch.run r LEFT JOIN assay_batch.run_lease l ON l.run = r.id WHERE r.id = $1::uuid"},
      {"look",
       "SELECT i.item, r.epoch, r.counter, r.said, r.claimed FROM unnest($1::uuid[]) WITH ORDINALITY AS i (run, item) "
       "CROSS JOIN LATERAL (SELECT epoch, counter, said, EXISTS (SELECT FROM assay_batch.run_lease l WHERE l.run = "
       "i.run) AS claimed FROM assay_batch.run WHERE id = i.run LIMIT 1) AS r"},
  };
}

}  // namespace assay::postgres
