#include "worker/side_files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "storage/paths.h"

namespace millrace {
namespace {

struct Link {
  std::string name;
  std::string target;
};

// Blocks. The links of an earlier attempt may be there already: a copy keeps its path.
absl::Status MakeLinks(const std::string& folder, const std::vector<Link>& links) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const Link& link : links) {
    const std::string path = JoinPath(folder, link.name);
    if (symlink(link.target.c_str(), path.c_str()) == 0 || errno == EEXIST) continue;
    return absl::UnavailableError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

kj::Promise<absl::Status> PlaceSideFiles(BinaryCache& binaries, BlockingRunner& io,
                                         const JobContext& job, const std::string& folder) {
  if (job.side_files.empty()) return absl::OkStatus();
  std::vector<std::string> names;
  auto paths =
      kj::heapArrayBuilder<kj::Promise<absl::StatusOr<std::string>>>(job.side_files.size());
  for (const JobBinary& file : job.side_files) {
    names.push_back(file.name);
    paths.add(binaries.Find(job.job, file));
  }
  return kj::joinPromises(paths.finish())
      .then([&io, folder, names = std::move(names)](
                kj::Array<absl::StatusOr<std::string>> found) -> kj::Promise<absl::Status> {
        std::vector<Link> links;
        for (size_t i = 0; i < found.size(); ++i) {
          if (!found[i].ok()) return found[i].status();
          links.push_back({names[i], *found[i]});
        }
        return io.Run([folder, links = std::move(links)]() { return MakeLinks(folder, links); });
      });
}

}  // namespace millrace
