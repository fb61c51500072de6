// One thread's part of what all threads of a generator do together: of runners, arrivals and connections, counted from
// 0, the numbers `index`, `index + of`, `index + 2·of`, … The default is the whole.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay {

struct Share {
  std::uint32_t index = 0, of = 1;  // index < of

  bool has(std::uint64_t number) const { return number % of == index; }
  // How many of `all` are ours.
  std::size_t part_of(std::size_t all) const { return (all + of - 1 - index) / of; }
};

}  // namespace assay
