// Who is where in the folder: the one thing in which the two file backends differ. `ScanCatalogue` looks at the folder
// each time, as many processes do that share one: a claim lists and sorts all of queued/. `IndexCatalogue` has looked
// once and is told of every move, which is right only for who has the folder alone. Used by FileQueue.
#pragma once

#include "reference_coordinator/backends/file/run_folder.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

namespace assay::file {

class Catalogue {
 public:
  virtual ~Catalogue() = default;
  // The first in the order of leaving that such a runner may have.
  virtual std::optional<Entry> first_ready(TagSet const& offered) = 0;
  // Looked for where runs come from before where they go to, so that one that moves on meanwhile is found.
  virtual std::optional<Entry> find(RunId run) = 0;
  virtual std::optional<Entry> find_claimed(RunId run) = 0;
  virtual std::vector<Entry> all(Folder folder) = 0;  // of delayed or claimed
  // For many questions at once whether a run is known: those that aren't finished, as far as finished() doesn't tell.
  virtual std::unordered_set<RunId> unfinished() = 0;
  virtual bool finished(RunId run) = 0;
  virtual Depth depth() = 0;
  // nullptr: it is new, or nobody's any more.
  virtual void moved(Entry const* from, Entry const* to) = 0;
};

std::unique_ptr<Catalogue> scan_catalogue(RunFolder& folder);
std::unique_ptr<Catalogue> index_catalogue(RunFolder& folder);

}  // namespace assay::file
