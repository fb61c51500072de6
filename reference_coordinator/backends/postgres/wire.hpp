// PostgreSQL's binary formats, to and from the types of the claim store: parameters and arrays of them going out, rows
// coming in. Binary, because a batch is arrays of uuid and bytea, which as text cost the server a parser and twice the
// bytes. Easy to get wrong: a binary parameter must have exactly the type that the statement declares ($1::int8[], not
// int4[]).
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace assay::postgres {

enum class Element : std::uint32_t {
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  uuid = 2950
};  // pg_type.oid

inline std::int64_t microseconds_of(Duration d) { return std::chrono::ceil<microseconds>(d).count(); }
std::string int8(std::int64_t value);
std::string int4(std::int32_t value);
std::string uuid(RunId const& id);

// A one-dimensional array without nulls. add() with the type the element says.
class Array {
 public:
  explicit Array(Element element);

  void add(std::int16_t value);
  void add(std::int32_t value);
  void add(std::int64_t value);
  void add(std::uint64_t value) { add(static_cast<std::int64_t>(value)); }  // epochs and counters stay below 2^63
  void add(RunId const& id);
  void add(std::string_view bytes);  // text or bytea

  std::string take();  // the parameter; the array is spent afterwards

 private:
  std::string buffer_;
  std::int32_t count_ = 0;
};

// What a statement answered. Columns are by position; a null reads as 0, "" or the nil id.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_{result} {}

  std::size_t size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
  std::uint64_t affected() const;                             // rows that a statement without RETURNING touched
  std::int64_t integer(std::size_t row, int column) const;    // int2, int4, int8
  std::string_view bytes(std::size_t row, int column) const;  // text, bytea; valid as long as this
  RunId run_id(std::size_t row, int column) const;
  bool is_null(std::size_t row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// One execution of a prepared statement (or of SQL, when it is not worth preparing), with binary parameters.
struct Command {
  std::string statement;  // the name of a prepared statement
  std::vector<std::string> parameters;
  std::string sql;  // instead of `statement`
};

// Commands that are sent together and committed together: one transaction, one round trip.
using Batch = std::vector<Command>;

}  // namespace assay::postgres
