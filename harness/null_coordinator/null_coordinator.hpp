// A coordinator of known behaviour: it serves PR-007's routes as the reference coordinator does, over nothing but
// memory, and each answer takes the time that was asked for. What measures coordinators is measured with it: `assay
// doctor` asks what this machine adds, tests hold figures against the truth, and planted faults have to be found.
//
// Easy to get wrong: "known" is what was asked for plus what the machine needed to wake up; GET /stats tells what the
// answers took in truth (store latencies by operation, claim_commit for deliveries), as this side saw it. Any bearer
// token is accepted, tags are ignored, leases never end. It is one thread; run it in a process of its own
// (null_coordinator_process.hpp) when CPU time or descriptors matter.
#pragma once

#include "harness/base/random.hpp"
#include "harness/null_coordinator/null_runs.hpp"
#include "harness/null_coordinator/timed_http_server.hpp"
#include "reference_coordinator/http/routes.hpp"
#include "reference_coordinator/protocol/ledger.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>

namespace assay {

struct ServiceTime {
  enum class Shape : std::uint8_t { constant, exponential };
  Duration mean{};  // 0: as fast as it goes
  Shape shape = Shape::constant;
};

struct NullCoordinatorOptions {
  std::uint16_t port = 0;  // on 127.0.0.1; 0: any free one
  ServiceTime answer;      // submission, start, report, heartbeat: from the request's last byte to the answer's first
  ServiceTime delivery;    // from the moment that a run is ready and a poll parked until the poll's answer
  int max_attempts = 3;    // of submissions that name no number
  std::uint64_t seed = 1;  // of everything drawn

  // Planted faults, none by default.
  PlantedFaults runs;
  double slow_share = 0;  // of answers and deliveries, drawn at random; each takes `slow_by` longer
  Duration slow_by{};
  struct Stall {  // nothing at all happens for `length`, every `every` from `first` on; `every` 0: once
    TimePoint first{};
    Duration length{}, every{};
  } stall;
  Duration clock_skew{};  // added to every time it tells: ledger and /stats

  std::filesystem::path ledger;  // what happened to each run (protocol/ledger.hpp); empty: none. Whole after run()
};

class NullCoordinator {
 public:
  // Listens at once. Throws Failure.
  explicit NullCoordinator(NullCoordinatorOptions options);

  std::uint16_t port() const { return server_.port(); }
  void run() { server_.run(); }    // until stop()
  void stop() { server_.stop(); }  // from any thread or signal handler

  // After run(), or before.
  protocol::CoordinatorStats stats() const;
  NullRuns::Planted const& planted() const { return runs_.planted(); }

 private:
  using Ticket = TimedHttpServer::Ticket;

  struct Poll {
    std::size_t most = 1;
    TimePoint parked_at, deadline;
  };
  struct Served {  // a request whose answer is known
    Ticket ticket;
    Endpoint endpoint;
    StoreOperation operation;
    TimePoint received;
  };
  struct Delivery {
    std::vector<protocol::AssignedRun> runs;
    TimePoint assigned_at;
  };

  void handle(Ticket ticket, Request const& request, TimePoint received);
  Response submit(std::string_view body, TimePoint now);
  Response start(std::string_view id, std::string_view body);
  Response report(std::string_view id, std::string_view body, TimePoint now, StoreOperation& operation);
  Response heartbeat(std::string_view body);
  void answer(Served const& served, Response response);
  void finish(Served const& served, Response const& response);
  void park(Ticket ticket, std::string_view query, TimePoint now);
  void expect_expiry();
  void expire();
  void assign(TimePoint now);
  void deliver(Ticket ticket);
  void stall();
  void flush();
  Duration draw(ServiceTime const& service);
  void note(std::string_view event, ClaimRef const& claim, int attempt, TimePoint now);

  NullCoordinatorOptions options_;
  Random random_;
  NullRuns runs_;
  protocol::Ledger ledger_;
  TimePoint started_at_;
  protocol::CoordinatorStats counts_;
  std::map<std::pair<Endpoint, unsigned>, std::uint64_t> requests_;
  std::map<Ticket, Poll> parked_;                     // the longest parked first
  std::set<std::pair<TimePoint, Ticket>> deadlines_;  // of parked_
  TimePoint expiry_expected_ = TimePoint::max();
  std::unordered_map<Ticket, Delivery> deliveries_;
  std::unordered_map<Ticket, Response> delayed_;
  TimedHttpServer server_;
};

}  // namespace assay
