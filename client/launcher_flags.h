// The flags that every job binary has, and how they are grouped in its help.
#ifndef MILLRACE_CLIENT_LAUNCHER_FLAGS_H_
#define MILLRACE_CLIENT_LAUNCHER_FLAGS_H_

#include <string>
#include <vector>

#include "client/command_line.h"
#include "client/job_options.h"
#include "client/launcher.h"

namespace millrace {

// What the job's program says of itself; `path` is argv[0].
Program JobProgram(const Usage& usage, const std::string& path);

// The values after parsing.
JobFlags GivenJobFlags();
// "name=value" of each flag that the job itself has.
std::vector<std::string> GivenFlagsOf(const Usage& usage);
bool GivenInsecure();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LAUNCHER_FLAGS_H_
