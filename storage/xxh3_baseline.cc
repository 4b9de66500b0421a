#include "storage/xxh3_functions.h"

namespace millrace {

const Xxh3Functions kXxh3Baseline = {Hash64, Update128};

}  // namespace millrace
