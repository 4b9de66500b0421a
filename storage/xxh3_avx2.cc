#include "storage/xxh3_functions.h"

namespace millrace {

const Xxh3Functions kXxh3Avx2 = {Hash64, Update128};

}  // namespace millrace
