// Early return on a failed absl::Status; Abseil does not ship these.
//
//   MILLRACE_RETURN_IF_ERROR(file->Append(data));
//   MILLRACE_ASSIGN_OR_RETURN(std::string text, fs.ReadFile(path));
#ifndef MILLRACE_MAPREDUCE_STATUS_MACROS_H_
#define MILLRACE_MAPREDUCE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define MILLRACE_RETURN_IF_ERROR(expression)                                  \
  do {                                                                        \
    if (absl::Status millrace_status = (expression); !millrace_status.ok()) { \
      return millrace_status;                                                 \
    }                                                                         \
  } while (false)

#define MILLRACE_ASSIGN_OR_RETURN(lhs, expression) \
  MILLRACE_ASSIGN_OR_RETURN_IMPL_(MILLRACE_CONCAT_(millrace_or_, __LINE__), lhs, expression)

#define MILLRACE_ASSIGN_OR_RETURN_IMPL_(result, lhs, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  lhs = std::move(result).value()

#define MILLRACE_CONCAT_(a, b) MILLRACE_CONCAT_IMPL_(a, b)
#define MILLRACE_CONCAT_IMPL_(a, b) a##b

#endif  // MILLRACE_MAPREDUCE_STATUS_MACROS_H_
