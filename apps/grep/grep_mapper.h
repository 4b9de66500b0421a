// Emits (file:line-number, line) for the lines that match a pattern, or for the others.
//
// One object an attempt, one thread.
#ifndef MILLRACE_APPS_GREP_GREP_MAPPER_H_
#define MILLRACE_APPS_GREP_GREP_MAPPER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "apps/grep/line_matcher.h"
#include "mapreduce/mapper.h"

namespace millrace {

class GrepMapper : public Mapper {
 public:
  GrepMapper(std::unique_ptr<LineMatcher> matcher, bool invert)
      : matcher_(std::move(matcher)), invert_(invert) {}

  void Map(const MapInput& input) override;

 private:
  void EmitAll(const MapInput& input, std::string_view lines);
  void EmitLine(const MapInput& input, std::string_view line);
  // Lines are asked for in ascending order.
  uint64_t NumberOf(const MapInput& input, const char* line);

  const std::unique_ptr<LineMatcher> matcher_;
  const bool invert_;
  std::string key_;
  // Of the chunk: up to where line ends were counted, and the number of the line there.
  const char* counted_ = nullptr;
  uint64_t number_ = 0;  // 0: not asked for yet
};

}  // namespace millrace

#endif  // MILLRACE_APPS_GREP_GREP_MAPPER_H_
