// The folder on disk: opening it, making, moving and reading runs' files, what must be forced to the disk. Used by
// FileQueue on its own thread; everything throws Trouble. Several processes may have the folder open (`file-scan`), or
// one only (`file-index`), which the lock on `owner` tells apart. Easy to get wrong: move() is the one step that
// decides who has a run, so whatever has to be true of the file is written before it, or can be missing after it.
//
//   queued/ delayed/ claimed/ done/ dead/   one file per run, see entry.hpp
//   batches/    submissions that are being unpacked; one that nobody is busy with is a killed one's, and is unpacked
//   results/    what was said with a report, by run and token · tag_sets/ by number · lock, owner
#pragma once

#include "reference_coordinator/backends/file/entry.hpp"
#include "reference_coordinator/backends/file/record.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <array>
#include <filesystem>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace assay::file {

class Trouble : public std::runtime_error {
 public:
  Trouble(int error, std::string const& what);
  int error() const { return error_; }  // errno
  bool in_doubt = false;                // some of it may have happened

 private:
  int error_;
};

// What the caller can do about it.
Error to_error(Trouble const& trouble);

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

class RunFolder {
 public:
  // Made if it isn't there; what it is in has to be. `alone`: nobody else may have it open. Takes the next epoch.
  RunFolder(std::filesystem::path const& folder, bool alone);

  StoreFacts facts() const;
  std::uint64_t epoch() const { return epoch_; }
  // Whether the machine was started since somebody had the folder open; asked once.
  bool machine_restarted() { return std::exchange(restarted_, false); }

  // While it lives, no other process submits or puts a run back.
  class Exclusive {
   public:
    explicit Exclusive(RunFolder& folder);
    ~Exclusive();
    Exclusive(Exclusive const&) = delete;
    Exclusive& operator=(Exclusive const&) = delete;

   private:
    RunFolder& folder_;
  };
  std::uint64_t take_places(std::uint64_t count);  // the first of them; needs Exclusive

  std::vector<std::string> list(Folder folder) const;
  bool has(Folder folder, std::string const& name) const;

  // There as a whole or not at all. Durable when it returns, or as part of a batch that is kept.
  void make(Entry const& entry, Record const& record, bool durable);
  // False: it isn't there any more, somebody else was first.
  bool move(Entry const& from, Entry const& to);
  bool write_lease(Entry const& entry, Lease const& lease);  // false: it isn't there any more
  std::optional<Record> read(Entry const& entry) const;      // nothing: it isn't there any more
  // Of the lease by the run's claim; without one (killed before it was written) some time after the move.
  std::int64_t lease_end_us(Entry const& entry, std::int64_t now_us) const;
  // Since its last move, by the file system's clock.
  Duration age(Entry const& entry) const;

  // Not forced to the disk: after a crash of the machine the text of a report may be missing, the report is not.
  void write_result(RunId run, ClaimToken token, std::string_view text);
  std::optional<std::string> read_result(RunId run, ClaimToken token) const;

  std::uint64_t number_of(TagSet const& tags);  // kept durably
  TagSet tags_of(std::uint64_t number);

  void write_batch(std::string const& name, std::vector<Record> const& records);
  std::vector<std::string> batches() const;   // that nobody has unpacked, or not to the end
  std::vector<std::string> unpacked() const;  // to be kept until their runs are on the disk
  std::vector<Record> read_batch(std::string const& name) const;
  void set_unpacked(std::string const& name);
  void forget_unpacked();  // after forcing all of their runs to the disk

  // Everything that was reported since is on the disk. A claim needs none: after a crash the run would come again.
  void sync();

 private:
  std::vector<std::string> list_batches(std::string_view ending) const;
  std::string read_text(int folder, std::string const& name) const;
  void write_whole(int folder, std::string const& name, std::string_view text, bool durable);
  std::string path(char const* folder, std::string const& name) const;

  std::filesystem::path root_;
  std::array<Descriptor, folder_count> folders_;
  Descriptor top_, owner_, lock_, batches_, results_, tag_sets_;
  std::array<bool, folder_count> moved_into_{};
  std::uint64_t epoch_ = 0;
  bool restarted_ = false;
  std::uint64_t last_temporary_ = 0;
  std::unordered_map<std::uint64_t, TagSet> sets_;
};

}  // namespace assay::file
