// The content of OUTPUT/_skipped: the input records that a job left out, one a line.
//
//   /data/part-7.txt:10423<TAB>57
//
// That is the file, the offset of the record's first byte and its length in bytes, line end
// included, so `tail -c +10424 /data/part-7.txt | head -c 57` shows it. Pure function.
#ifndef MILLRACE_STORAGE_SKIPPED_RECORDS_H_
#define MILLRACE_STORAGE_SKIPPED_RECORDS_H_

#include <string>
#include <vector>

#include "storage/input_split.h"

namespace millrace {

// In the order given. Control characters, quotes and backslashes in names of files are escaped as
// in C, so that a record is always one line.
std::string SkippedRecordsText(const std::vector<InputRecord>& records);

}  // namespace millrace

#endif  // MILLRACE_STORAGE_SKIPPED_RECORDS_H_
