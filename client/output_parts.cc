#include "client/output_parts.h"

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "mapreduce/strings.h"
#include "storage/atomic_file.h"
#include "storage/byte_source.h"
#include "storage/chunk_buffer.h"
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
                                                    " was replaced by ", JobKeyIn(manifest),
                                                    ", and is gone: run the job again"));
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

enum class Form { kContent, kAsItLies };

absl::StatusOr<FileRange> WholeFile(FileSystem& fs, const std::string& path, Form form) {
  MILLRACE_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
  InputFile file{path, info.size, info.mtime_ns};
  if (form == Form::kContent) file.compression = CompressionOf(path);
  return FileRange{file, 0, info.size};
}

// As far as its first block tells: a text may begin with a line that is the magic.
absl::StatusOr<bool> IsKeyValueFile(FileSystem& fs, const std::string& path) {
  MILLRACE_ASSIGN_OR_RETURN(const FileRange range, WholeFile(fs, path, Form::kAsItLies));
  MILLRACE_ASSIGN_OR_RETURN(const auto file, InputFileHandle::Open(&fs, range));
  KeyValueReader reader(file.get(), kKeyValueBlockBytes);
  if (!reader.Open().ok()) return false;
  ChunkBuffer block(kKeyValueBlockBytes, kKeyValueBlockBytes);
  const absl::Status first = reader.Next(&block).status();
  return first.ok() || absl::IsOutOfRange(first);  // a pair that is a block alone may be longer
}

absl::StatusOr<bool> AreKeyValueFiles(FileSystem& fs, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    MILLRACE_ASSIGN_OR_RETURN(const bool is_one, IsKeyValueFile(fs, part));
    if (!is_one) return false;
  }
  return true;
}

absl::Status ReadRange(FileSystem& fs, const FileRange& range, const ByteSink& sink) {
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

// One part after the other.
absl::Status ReadEach(FileSystem& fs, const std::vector<std::string>& parts, Form form,
                      const ByteSink& sink) {
  MILLRACE_ASSIGN_OR_RETURN(const bool key_value, AreKeyValueFiles(fs, parts));
  for (const std::string& part : parts) {
    MILLRACE_ASSIGN_OR_RETURN(FileRange range, WholeFile(fs, part, form));
    // Behind the magic of the first the blocks of all make one file.
    const bool drops_magic = key_value && part != parts.front();
    if (drops_magic) range.offset = kKeyValueMagic.size();
    range.length -= range.offset;
    MILLRACE_RETURN_IF_ERROR(ReadRange(fs, range, sink));
  }
  return absl::OkStatus();
}

absl::Status ReadOutput(FileSystem& fs, const PublishedOutput& output, Form form,
                        const ByteSink& sink) {
  MILLRACE_ASSIGN_OR_RETURN(const std::string manifest, ManifestOf(fs, output));
  const absl::StatusOr<std::vector<std::string>> parts = PartsIn(fs, output.folder);
  absl::Status read = parts.ok() ? ReadEach(fs, *parts, form, sink) : parts.status();
  // Asked in any case: parts of an output that was replaced may be gone.
  MILLRACE_RETURN_IF_ERROR(CheckUnchanged(fs, output, manifest));
  return read;
}

absl::StatusOr<std::unique_ptr<AtomicFile>> BeginMerging(FileSystem& fs, const std::string& file) {
  if (!fs.Stat(file).ok()) return AtomicFile::Create(fs, file);
  MILLRACE_ASSIGN_OR_RETURN(const std::string behind_links, fs.RealPath(file));
  return AtomicFile::Create(fs, behind_links);
}

}  // namespace

absl::Status ReadParts(FileSystem& fs, const PublishedOutput& output, const ByteSink& sink) {
  return ReadOutput(fs, output, Form::kContent, sink);
}

absl::Status MergeParts(FileSystem& fs, const PublishedOutput& output, const std::string& file) {
  const bool as_they_lie = absl::EndsWith(file, ToAbsl(kZstdSuffix));
  MILLRACE_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> out, BeginMerging(fs, file));
  MILLRACE_RETURN_IF_ERROR(
      ReadOutput(fs, output, as_they_lie ? Form::kAsItLies : Form::kContent,
                 [&out](std::string_view bytes) { return out->Append(bytes); }));
  return out->Commit(AtomicFile::kDurable);
}

absl::Status TryMerging(FileSystem& fs, const std::string& file) {
  return BeginMerging(fs, file).status();  // what it made goes with it
}

}  // namespace millrace
