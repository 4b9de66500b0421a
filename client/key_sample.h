// Where the parts of a job with a total order begin: keys of a sample of the input.
//
//   MILLRACE_ASSIGN_OR_RETURN(auto sample, SampleKeys(fs, job, files));
//   spec.split_keys = SplitKeysFor(spec.reducers, sample);
#ifndef MILLRACE_CLIENT_KEY_SAMPLE_H_
#define MILLRACE_CLIENT_KEY_SAMPLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mapreduce/job.h"
#include "storage/file_system.h"
#include "storage/input_split.h"

namespace millrace {

// Runs the job's mapper on pieces from all over the input, and returns some of the keys that it
// emits, about 10,000 at most, in ascending order. Ends after a second with what it has: so of a
// large file that is compressed as one piece only the keys of its front are known. Errors are those
// of reading the beginning of a piece, and what the mapper fails with there: the job would fail
// with it as well. With `skips_bad_records` it may not, so the sample goes on without that piece.
absl::StatusOr<std::vector<std::string>> SampleKeys(FileSystem& fs, const JobDescription& job,
                                                    const std::vector<InputFile>& files,
                                                    bool skips_bad_records);

// Keys that cut `sample`, which is ascending, into `parts` pieces of equal size: one less than
// there are parts; none for one part or none. Of an empty sample all are empty keys: everything
// goes to the last part, which is in order. Keys are cut to 256 bytes: enough to cut by.
std::vector<std::string> SplitKeysFor(uint32_t parts, const std::vector<std::string>& sample);

}  // namespace millrace

#endif  // MILLRACE_CLIENT_KEY_SAMPLE_H_
