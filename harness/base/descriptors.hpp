// How many files, and so connections, this process may have open. Asked by whoever is about to open thousands, so that
// it can say before the first what is wrong, instead of failing somewhere in the middle.
#pragma once

#include <cstddef>

namespace assay {

// Raises the soft limit (1,024 on most systems) to the hard one, which needs no privilege, and returns it; the largest
// number there is when nothing limits us.
std::size_t raise_descriptor_limit();

}  // namespace assay
