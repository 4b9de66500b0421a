// The flags that every job binary has, and how they are grouped in its help.
#ifndef MILLRACE_CLIENT_LAUNCHER_FLAGS_H_
#define MILLRACE_CLIENT_LAUNCHER_FLAGS_H_

#include <string>

#include "client/command_line.h"
#include "client/job_options.h"
#include "client/launcher.h"

namespace millrace {

// What the job's program says of itself; `path` is argv[0].
Program JobProgram(const Usage& usage, const std::string& path);

// The values after parsing.
JobFlags GivenJobFlags();
bool GivenInsecure();

}  // namespace millrace

#endif  // MILLRACE_CLIENT_LAUNCHER_FLAGS_H_
