#include "harness/services/process_tree.hpp"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

namespace assay {

std::vector<pid_t> process_tree(pid_t root) {
  std::vector<pid_t> all{root};
  for (std::size_t next = 0; next < all.size(); ++next) {
    std::error_code gone;  // it may end while we look
    std::filesystem::directory_iterator const threads{fmt::format("/proc/{}/task", all[next]), gone};
    if (gone) continue;
    for (auto const& thread : threads) {
      std::ifstream children{thread.path() / "children"};
      for (pid_t child = 0; children >> child;) all.push_back(child);
    }
  }
  return all;
}

void stop_tree(pid_t root) {
  std::set<pid_t> stopped;
  for (bool found = true; found;) {
    found = false;
    for (pid_t const pid : process_tree(root)) {
      if (!stopped.insert(pid).second) continue;
      found = true;
      ::kill(pid, SIGSTOP);
    }
  }
}

void continue_tree(pid_t root) {
  for (pid_t const pid : process_tree(root)) ::kill(pid, SIGCONT);
}

}  // namespace assay
