// SQLite for one thread at a time: a file opened durably (write-ahead log, synchronous = FULL) and prepared statements.
// Used by RunFile only. Everything here throws Trouble, which is caught where a transaction ends and becomes an Error
// there. Easy to get wrong: what a row's bytes() point to lives until the statement's next step.
#pragma once

#include "harness/base/error.hpp"
#include "reference_coordinator/claim_core/ids.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace assay::sqlite {

class Trouble : public std::runtime_error {
 public:
  Trouble(int code, std::string const& message) : std::runtime_error{message}, code_{code} {}
  explicit Trouble(sqlite3* database);
  int code() const { return code_; }  // SQLite's extended result code

 private:
  int code_;
};

// What the caller can do about it. `committing`: a failure of the disk then leaves open whether it happened.
Error to_error(Trouble const& trouble, bool committing);

class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  // Binds from the first parameter on, for a new execution. Bytes are not copied: they must outlive it.
  template <class... Values>
  Statement& with(Values const&... values) {
    sqlite3_reset(statement_.get());
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  bool step();  // true: there is a row
  void run();   // to the end; the number of rows it changed is Database::changed()
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string_view bytes(int column) const;
  RunId run_id(int column) const;
  void reset() { sqlite3_reset(statement_.get()); }  // a row that was not read to the end keeps its snapshot open

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, std::int64_t{value}); }
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view bytes);
  void bind(int index, std::string const& bytes) { bind(index, std::string_view{bytes}); }
  void bind(int index, RunId const& id);

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // Creates the file when there is none.
  explicit Database(std::filesystem::path const& file);

  void run(std::string const& sql);              // one or more statements without parameters
  std::string value_of(std::string_view query);  // the first column of its first row, as text
  Statement prepare(std::string_view sql) { return {handle_.get(), sql}; }
  std::int64_t last_rowid() const { return sqlite3_last_insert_rowid(handle_.get()); }
  std::int64_t changed() const { return sqlite3_changes64(handle_.get()); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace assay::sqlite
