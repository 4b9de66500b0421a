#include "worker/engine/sort_key.h"

#include <algorithm>

#include "worker/engine/ordered_bytes.h"

namespace millrace {
namespace {

// Where the field that begins at `begin` ends.
size_t FieldEnd(std::string_view record, size_t begin) {
  return std::min(record.find('\t', begin), record.size());
}

std::string_view WithoutTab(std::string_view rest) {
  return rest.substr(std::min<size_t>(1, rest.size()));
}

}  // namespace

void SortKeyMaker::Make(std::string_view key, std::string_view value) {
  sort_key_.clear();
  if (key_fields_ == 0) {
    key_ = key;
    rest_ = value;
    AppendOrdered(key_, &sort_key_);
  } else {
    record_.assign(key).append("\t").append(value);
    DivideRecord();
  }
  if (!sort_values_) return;
  sort_key_.append(key_fields_ == 0 ? rest_ : WithoutTab(rest_));
  rest_ = {};
}

// The rest begins with the tab that ends the last field before it: without one there is no rest.
void SortKeyMaker::DivideRecord() {
  const std::string_view record = record_;
  size_t end = FieldEnd(record, 0);
  for (uint32_t field = 1; field < key_fields_ && end < record.size(); ++field) {
    end = FieldEnd(record, end + 1);
  }
  key_ = record.substr(0, end);
  AppendOrdered(key_, &sort_key_);
  for (uint32_t field = key_fields_; field < sort_fields_ && end < record.size(); ++field) {
    const size_t begin = end + 1;
    end = FieldEnd(record, begin);
    AppendOrdered(record.substr(begin, end - begin), &sort_key_);
  }
  rest_ = record.substr(end);
}

void SortKeyReader::SaveKey(std::string_view sort_key) {
  encoded_key_ = sort_key.substr(0, OrderedSize(sort_key));
  key_.clear();
  AppendDecoded(encoded_key_, &key_);
}

std::string_view SortKeyReader::MakeValue(std::string_view order, std::string_view rest) {
  if (sort_values_) return order;
  if (order.empty()) return WithoutTab(rest);
  value_.clear();
  while (!order.empty()) {
    const size_t size = OrderedSize(order);
    value_ += '\t';
    AppendDecoded(order.substr(0, size), &value_);
    order.remove_prefix(size);
  }
  value_.append(rest);
  return WithoutTab(value_);
}

}  // namespace millrace
