// Hadoop Streaming's command line, put into our own flags.
//
//   -input in -mapper 'cut -f 1' -numReduceTasks 4 -D mapreduce.job.name=cut
//   --input=in --mapper='cut -f 1' --reducers=4 --define=mapreduce.job.name=cut
//
// The fields of keys as well: those of stream.num.map.output.key.fields are sorted by, and those
// that KeyFieldBasedPartitioner looks at are the key.
//
//   -D stream.num.map.output.key.fields=3 -D num.key.fields.for.partition=2
//   --key_fields=2 --sort_fields=3
//
// Our own flags pass unchanged, so that what comes out may go in again.
#ifndef MILLRACE_APPS_STREAMING_HADOOP_FLAGS_H_
#define MILLRACE_APPS_STREAMING_HADOOP_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace {

// `arguments` are those after the program's name. What is not supported is kInvalidArgument, by
// name and with what to use instead.
absl::StatusOr<std::vector<std::string>> FromHadoopFlags(const std::vector<std::string>& arguments);

}  // namespace millrace

#endif  // MILLRACE_APPS_STREAMING_HADOOP_FLAGS_H_
