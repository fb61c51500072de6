#include "reference_coordinator/backends/file/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::file {

namespace {

class ScanCatalogue final : public Catalogue {
 public:
  explicit ScanCatalogue(RunFolder& folder) : folder_{folder} {}

  // glob + sort, then the first that fits: what this costs is what the file queue costs.
  std::optional<Entry> first_ready(TagSet const& offered) override {
    std::vector<std::string> names = folder_.list(Folder::queued);
    std::sort(names.begin(), names.end());
    for (std::string const& name : names) {
      auto entry = parse_entry(Folder::queued, name);
      if (entry && offered.includes(folder_.tags_of(entry->tag_set))) return entry;
    }
    return std::nullopt;
  }

  std::optional<Entry> find(RunId run) override {
    for (Folder const folder : {Folder::delayed, Folder::queued, Folder::claimed}) {
      if (auto found = find_in(folder, run)) return found;
    }
    return find_finished(run);
  }

  std::optional<Entry> find_claimed(RunId run) override { return find_in(Folder::claimed, run); }

  std::vector<Entry> all(Folder folder) override {
    std::vector<Entry> entries;
    for (std::string const& name : folder_.list(folder)) {
      if (auto entry = parse_entry(folder, name)) entries.push_back(std::move(*entry));
    }
    return entries;
  }

  std::unordered_set<RunId> unfinished() override {
    std::unordered_set<RunId> runs;
    for (Folder const folder : {Folder::delayed, Folder::queued, Folder::claimed}) {
      for (Entry const& entry : all(folder)) runs.insert(entry.id);
    }
    return runs;
  }

  bool finished(RunId run) override { return find_finished(run).has_value(); }

  Depth depth() override {
    Depth depth;
    depth.delayed = folder_.list(Folder::delayed).size();
    depth.claimed = folder_.list(Folder::claimed).size();
    depth.completed = folder_.list(Folder::done).size();
    depth.dead = folder_.list(Folder::dead).size();
    auto const ready = all(Folder::queued);
    depth.ready = ready.size();
    auto const oldest =
        std::min_element(ready.begin(), ready.end(), [](Entry const& a, Entry const& b) { return a.place < b.place; });
    if (oldest != ready.end()) depth.oldest_ready_age = std::max(Duration{}, folder_.age(*oldest));
    return depth;
  }

  void moved(Entry const*, Entry const*) override {}

 private:
  std::optional<Entry> find_finished(RunId run) const {
    for (Folder const folder : {Folder::done, Folder::dead}) {
      Entry entry;
      entry.folder = folder;
      entry.id = run;
      if (folder_.has(folder, entry.name())) return entry;
    }
    return std::nullopt;
  }

  std::optional<Entry> find_in(Folder folder, RunId run) const {
    std::string const part = fmt::format("_{}_", to_string(run));
    for (std::string const& name : folder_.list(folder)) {
      if (name.find(part) == std::string::npos) continue;
      auto entry = parse_entry(folder, name);
      if (entry && entry->id == run) return entry;
    }
    return std::nullopt;
  }

  RunFolder& folder_;
};

}  // namespace

std::unique_ptr<Catalogue> scan_catalogue(RunFolder& folder) { return std::make_unique<ScanCatalogue>(folder); }

}  // namespace assay::file
