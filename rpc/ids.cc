#include "rpc/ids.h"

#include <sstream>

namespace millrace {
namespace {

template <typename T>
std::string Printed(const T& id) {
  std::ostringstream out;
  out << id;
  return out.str();
}

}  // namespace

std::string ToString(JobId id) { return Printed(id); }
std::string ToString(WorkerId id) { return Printed(id); }
std::string ToString(const AttemptId& id) { return Printed(id); }

}  // namespace millrace
