#include "reference_coordinator/backends/file/catalogue.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace assay::file {

namespace {

struct Leaves {
  bool operator()(Entry const& a, Entry const& b) const { return leaves_before(a, b); }
};

class IndexCatalogue final : public Catalogue {
 public:
  explicit IndexCatalogue(RunFolder& folder) : folder_{folder} {
    // Where runs go to last: a crash of the machine may have left one in both places, and the later one counts.
    for (Folder const where : {Folder::queued, Folder::delayed, Folder::claimed, Folder::done, Folder::dead}) {
      for (std::string const& name : folder.list(where)) {
        auto const entry = parse_entry(where, name);
        if (!entry) continue;
        auto const known = runs_.find(entry->id);
        Entry const before = known != runs_.end() ? known->second : Entry{};
        moved(known != runs_.end() ? &before : nullptr, &*entry);
      }
    }
  }

  std::optional<Entry> first_ready(TagSet const& offered) override {
    Entry const* best = nullptr;
    for (auto const& [set, entries] : ready_) {
      if (entries.empty() || !offered.includes(folder_.tags_of(set))) continue;
      Entry const& head = *entries.begin();
      if (best == nullptr || leaves_before(head, *best)) best = &head;
    }
    return best != nullptr ? std::optional{*best} : std::nullopt;
  }

  std::optional<Entry> find(RunId run) override {
    auto const found = runs_.find(run);
    return found != runs_.end() ? std::optional{found->second} : std::nullopt;
  }

  std::optional<Entry> find_claimed(RunId run) override {
    auto const found = claimed_.find(run);
    return found != claimed_.end() ? std::optional{found->second} : std::nullopt;
  }

  std::vector<Entry> all(Folder folder) override {
    std::vector<Entry> entries;
    auto const& of = folder == Folder::claimed ? claimed_ : delayed_;
    for (auto const& [run, entry] : of) entries.push_back(entry);
    return entries;
  }

  std::unordered_set<RunId> unfinished() override { return {}; }
  bool finished(RunId run) override { return runs_.contains(run); }

  Depth depth() override {
    Depth depth;
    depth.delayed = count_of(Folder::delayed);
    depth.ready = count_of(Folder::queued);
    depth.claimed = count_of(Folder::claimed);
    depth.completed = count_of(Folder::done);
    depth.dead = count_of(Folder::dead);
    for (auto const& [set, entries] : ready_) {
      if (!entries.empty()) depth.oldest_ready_age = std::max(depth.oldest_ready_age, folder_.age(*entries.begin()));
    }
    return depth;
  }

  void moved(Entry const* from, Entry const* to) override {
    if (from != nullptr) {
      --counts_[static_cast<std::size_t>(from->folder)];
      if (from->folder == Folder::queued) ready_[from->tag_set].erase(*from);
      if (from->folder == Folder::claimed) claimed_.erase(from->id);
      if (from->folder == Folder::delayed) delayed_.erase(from->id);
    }
    if (to == nullptr) return;
    ++counts_[static_cast<std::size_t>(to->folder)];
    if (to->folder == Folder::queued) ready_[to->tag_set].insert(*to);
    if (to->folder == Folder::claimed) claimed_[to->id] = *to;
    if (to->folder == Folder::delayed) delayed_[to->id] = *to;
    runs_[to->id] = *to;
  }

 private:
  std::uint64_t count_of(Folder folder) const { return counts_[static_cast<std::size_t>(folder)]; }

  RunFolder& folder_;
  std::map<std::uint64_t, std::set<Entry, Leaves>> ready_;  // by tag set
  std::unordered_map<RunId, Entry> claimed_, delayed_, runs_;
  std::array<std::uint64_t, folder_count> counts_{};
};

}  // namespace

std::unique_ptr<Catalogue> index_catalogue(RunFolder& folder) { return std::make_unique<IndexCatalogue>(folder); }

}  // namespace assay::file
