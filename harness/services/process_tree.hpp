// A process with everything it started, whatever session or process group those have put themselves into (each backend
// of PostgreSQL leads a session of its own). For faults: a whole server that stands still.
#pragma once

#include <sys/types.h>

#include <vector>

namespace assay {

// The process and its living descendants, parents before their children.
std::vector<pid_t> process_tree(pid_t root);

// SIGSTOP and SIGCONT to all of them. Stopped, the tree is stopped as a whole: what a process started just before its
// turn came is found, too.
void stop_tree(pid_t root);
void continue_tree(pid_t root);

}  // namespace assay
