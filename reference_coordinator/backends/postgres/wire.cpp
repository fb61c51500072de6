#include "reference_coordinator/backends/postgres/wire.hpp"

#include <boost/endian/conversion.hpp>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace assay::postgres {

namespace {

template <class T>
void append(std::string& buffer, T value) {
  boost::endian::native_to_big_inplace(value);
  buffer.append(reinterpret_cast<char const*>(&value), sizeof value);
}

template <class T>
T big_endian(char const* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return boost::endian::big_to_native(value);
}

template <class T>
std::string encoded(T value) {
  std::string buffer;
  append(buffer, value);
  return buffer;
}

// array_send's header: dimensions, has-null flag, element type, then per dimension its length and lower bound.
constexpr std::size_t dimensions_at = 0;
constexpr std::size_t length_at = 12;
constexpr std::size_t header_bytes = 20;

}  // namespace

std::string int8(std::int64_t value) { return encoded(value); }
std::string int4(std::int32_t value) { return encoded(value); }
std::string uuid(RunId const& id) { return {reinterpret_cast<char const*>(id.bytes.data()), id.bytes.size()}; }

Array::Array(Element element) {
  append(buffer_, std::int32_t{1});
  append(buffer_, std::int32_t{0});
  append(buffer_, static_cast<std::uint32_t>(element));
  append(buffer_, std::int32_t{0});  // the length: take() knows it
  append(buffer_, std::int32_t{1});
}

void Array::add(std::int16_t value) {
  append(buffer_, std::int32_t{sizeof value});
  append(buffer_, value);
  ++count_;
}

void Array::add(std::int32_t value) {
  append(buffer_, std::int32_t{sizeof value});
  append(buffer_, value);
  ++count_;
}

void Array::add(std::int64_t value) {
  append(buffer_, std::int32_t{sizeof value});
  append(buffer_, value);
  ++count_;
}

void Array::add(RunId const& id) {
  add(std::string_view{reinterpret_cast<char const*>(id.bytes.data()), id.bytes.size()});
}

void Array::add(std::string_view bytes) {
  append(buffer_, static_cast<std::int32_t>(bytes.size()));
  buffer_.append(bytes);
  ++count_;
}

std::string Array::take() {
  if (count_ == 0) {  // an empty array has no dimension
    buffer_.resize(header_bytes - 8);
    buffer_.replace(dimensions_at, 4, encoded(std::int32_t{0}));
  } else {
    buffer_.replace(length_at, 4, encoded(count_));
  }
  return std::move(buffer_);
}

std::uint64_t Rows::affected() const { return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10); }

bool Rows::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::string_view Rows::bytes(std::size_t row, int column) const {
  int const r = static_cast<int>(row);
  return {PQgetvalue(result_.get(), r, column), static_cast<std::size_t>(PQgetlength(result_.get(), r, column))};
}

std::int64_t Rows::integer(std::size_t row, int column) const {
  std::string_view const value = bytes(row, column);
  switch (value.size()) {
    case 1: return value[0] != 0 ? 1 : 0;  // bool
    case 2: return big_endian<std::int16_t>(value.data());
    case 4: return big_endian<std::int32_t>(value.data());
    case 8: return big_endian<std::int64_t>(value.data());
    default: return 0;
  }
}

RunId Rows::run_id(std::size_t row, int column) const {
  RunId id;
  std::string_view const value = bytes(row, column);
  if (value.size() == id.bytes.size()) std::memcpy(id.bytes.data(), value.data(), id.bytes.size());
  return id;
}

}  // namespace assay::postgres
