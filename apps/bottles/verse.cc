#include "apps/bottles/verse.h"

#include "absl/strings/str_cat.h"

namespace millrace {

std::string Verse(uint32_t bottles) {
  const std::string count = absl::StrCat(bottles, bottles == 1 ? " bottle" : " bottles");
  return absl::StrCat(count, " of beer on the wall, ", count,
                      " of beer. Take one down, pass it around...");
}

std::string Ending() {
  return "No more bottles of beer on the wall, no more bottles of beer. Go to the store, buy some "
         "more...";
}

std::string LinesOf(uint32_t bottles) {
  if (bottles == 0) return Ending() + "\n";
  return Verse(bottles) + "\n" + (bottles == 1 ? Ending() + "\n" : "");
}

}  // namespace millrace
