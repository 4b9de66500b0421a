// What a person meant who wrote a name that does not exist.
#ifndef MILLRACE_STORAGE_NEAREST_NAME_H_
#define MILLRACE_STORAGE_NEAREST_NAME_H_

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// The name closest to `name`, or "" when none is close enough to be meant.
std::string NearestName(std::string_view name, const std::vector<std::string>& names);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_NEAREST_NAME_H_
