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
#include "storage/paths.h"

namespace millrace {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;

absl::StatusOr<std::vector<std::string>> PartsOf(FileSystem& fs, const std::string& folder) {
  if (!fs.Stat(ManifestPath(folder)).ok()) {
    return absl::NotFoundError(
        absl::StrCat(folder, " has no _SUCCESS: there is no complete output (any more)"));
  }
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

}  // namespace

absl::Status ReadParts(FileSystem& fs, const std::string& folder, const ByteSink& sink) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(fs, folder));
  for (const std::string& part : parts) MILLRACE_RETURN_IF_ERROR(ReadPart(fs, part, sink));
  return absl::OkStatus();
}

absl::Status MergeParts(FileSystem& fs, const std::string& folder, const std::string& file) {
  MILLRACE_ASSIGN_OR_RETURN(const std::vector<std::string> parts, PartsOf(fs, folder));
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> out, AtomicFile::Create(fs, file));
  for (const std::string& part : parts) {
    MILLRACE_RETURN_IF_ERROR(CopyPart(fs, part, out.get()));
  }
  return out->Commit(AtomicFile::kDurable);
}

}  // namespace millrace
