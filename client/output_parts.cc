#include "client/output_parts.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "storage/atomic_file.h"
#include "storage/byte_source.h"
#include "storage/compressed_source.h"
#include "storage/key_value_file.h"
#include "storage/output_manifest.h"
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;
constexpr uint64_t kManifestBytesMax = 64 << 20;  // 99,999 parts need 10 MB

absl::Status Replaced(const PublishedOutput& output, const std::string& manifest) {
  const std::string whose = output.job_key.empty() ? "" : absl::StrCat(" of ", output.job_key);
  return absl::FailedPreconditionError(absl::StrCat("the output", whose, " in ", output.folder,
                                                    " was replaced by ", JobKeyIn(manifest)));
}

absl::StatusOr<std::string> ManifestOf(FileSystem& fs, const PublishedOutput& output) {
  absl::StatusOr<std::string> manifest =
      ReadFile(fs, ManifestPath(output.folder), kManifestBytesMax);
  if (absl::IsNotFound(manifest.status())) {
    return absl::NotFoundError(
        absl::StrCat(output.folder, " has no _SUCCESS: there is no complete output (any more)"));
  }
  const bool is_known = manifest.ok() && !output.job_key.empty();
  if (is_known && !IsManifestOf(*manifest, output.job_key)) return Replaced(output, *manifest);
  return manifest;
}

// Who replaces an output takes the manifest away before he touches a part, and writes another one
// after the last: while the manifest is the same, the parts are.
absl::Status CheckUnchanged(FileSystem& fs, const PublishedOutput& output,
                            const std::string& manifest) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string now, ManifestOf(fs, output));
  return now == manifest ? absl::OkStatus() : Replaced(output, now);
}

absl::StatusOr<std::vector<std::string>> PartsIn(FileSystem& fs, const std::string& folder) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(folder));
  std::vector<std::string> parts;
  for (const std::string& name : names) {  // in byte order, which is that of their numbers
    if (IsPartName(name)) parts.push_back(JoinPath(folder, name));
  }
  return parts;
}

absl::StatusOr<FileRange> WholeFile(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
  InputFile file{path, info.size, info.mtime_ns};
  file.compression = CompressionOf(path);
  return FileRange{file, 0, info.size};
}

absl::Status ReadPart(FileSystem& fs, const std::string& path, const ByteSink& sink) {
  MILLRACE_ASSIGN_OR_RETURN(const FileRange range, WholeFile(fs, path));
  if (range.length == 0) return absl::OkStatus();
  MILLRACE_ASSIGN_OR_RETURN(const auto file, InputFileHandle::Open(&fs, range));
  const std::unique_ptr<ByteSource> source =
      range.file.compression == Compression::kNone
          ? MakePlainSource(file.get(), kReadBytes, /*looks_back=*/false)
          : MakeCompressedSource(file.get(), kReadBytes);
  std::vector<char> buffer(kReadBytes);
  while (true) {
    MILLRACE_ASSIGN_OR_RETURN(const size_t read, source->Read(buffer.data()));
    if (read == 0) return absl::OkStatus();
    MILLRACE_RETURN_IF_ERROR(sink(std::string_view(buffer.data(), read)));
  }
}

absl::Status CopyPart(FileSystem& fs, const std::string& path, AtomicFile* out) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> in, fs.OpenForReading(path));
  std::vector<char> buffer(kReadBytes);
  for (uint64_t offset = 0;;) {
    MILLRACE_ASSIGN_OR_RETURN(const size_t read, in->Read(offset, kReadBytes, buffer.data()));
    if (read == 0) return absl::OkStatus();
    std::string_view bytes(buffer.data(), read);
    const bool begins_again = offset == 0 && out->size() > 0;
    const bool has_magic = bytes.substr(0, kKeyValueMagic.size()) == kKeyValueMagic;
    if (begins_again && has_magic) bytes.remove_prefix(kKeyValueMagic.size());
    MILLRACE_RETURN_IF_ERROR(out->Append(bytes));
    offset += read;
  }
}

// Does something with each part.
absl::Status ForEachPart(FileSystem& fs, const PublishedOutput& output,
                         const std::function<absl::Status(const std::string& path)>& step) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string manifest, ManifestOf(fs, output));
  const auto walk = [&]() -> absl::Status {
    MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsIn(fs, output.folder));
    for (const std::string& part : parts) MILLRACE_RETURN_IF_ERROR(step(part));
    return absl::OkStatus();
  };
  const absl::Status walked = walk();
  // Asked in any case: parts of an output that was replaced may be gone.
  MILLRACE_RETURN_IF_ERROR(CheckUnchanged(fs, output, manifest));
  return walked;
}

}  // namespace

absl::Status ReadParts(FileSystem& fs, const PublishedOutput& output, const ByteSink& sink) {
  return ForEachPart(fs, output, [&](const std::string& part) { return ReadPart(fs, part, sink); });
}

absl::Status MergeParts(FileSystem& fs, const PublishedOutput& output, const std::string& file) {
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> out, AtomicFile::Create(fs, file));
  MILLRACE_RETURN_IF_ERROR(ForEachPart(
      fs, output, [&](const std::string& part) { return CopyPart(fs, part, out.get()); }));
  return out->Commit(AtomicFile::kDurable);
}

}  // namespace millrace
