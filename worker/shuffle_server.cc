#include "worker/shuffle_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "storage/failpoint.h"
#include "storage/paths.h"
#include "worker/run_check.h"

namespace millrace {

struct ShuffleServer::Load {
  int open_partitions = 0;
  int reads = 0;
};

namespace {

// Counts one thing for as long as it lives.
template <typename Counter>
class Counted {
 public:
  explicit Counted(std::shared_ptr<Counter> load, int Counter::*count)
      : load_(std::move(load)), count_(count) {
    ++(load_.get()->*count_);
  }
  ~Counted() {
    if (load_ != nullptr) --(load_.get()->*count_);
  }
  Counted(Counted&&) noexcept = default;
  Counted& operator=(Counted&&) = delete;

 private:
  std::shared_ptr<Counter> load_;
  int Counter::*count_;
};

// Reads as many bytes as `data` has.
absl::Status Fill(ReadableFile& file, uint64_t at, std::string* data) {
  const absl::StatusOr<size_t> length = file.Read(at, data->size(), data->data());
  if (!length.ok()) return length.status();
  if (*length == data->size()) return absl::OkStatus();
  return absl::DataLossError("a map output was cut while it was being read");
}

// What the I/O thread finds.
struct Opened {
  OpenPartition partition;
  std::string bytes;  // of a small one
};

absl::Status Open(FileSystem& fs, const std::string& path, const TaskId& task,
                  const AttemptId& attempt, uint32_t partition, Opened* opened) {
  MILLRACE_RETURN_IF_ERROR(
      CheckFailpoint(Failpoint::kShuffleServe, [&]() { return FailpointDetail(task, attempt); }));
  MILLRACE_ASSIGN_OR_RETURN(opened->partition, OpenPartitionOf(fs, path, task, attempt, partition));
  const RunPartition& found = opened->partition.run.partition;
  if (found.length > kSmallPartitionBytes) return absl::OkStatus();
  opened->bytes.resize(found.length);
  return Fill(*opened->partition.file, found.offset, &opened->bytes);
}

// Everything but the reader.
void Describe(const Opened& opened, capnp_worker::PartitionResult::Partition::Builder out) {
  const PartitionOfRun& run = opened.partition.run;
  out.setLength(run.partition.length);
  out.setRecords(run.partition.records);
  out.setLongestBlock(run.partition.longest_block);
  Write(run.partition.digest, out.initDigest());
  out.setValueKind(static_cast<uint8_t>(run.format.value_kind));
  out.setHasGroupLength(run.format.has_group_length);
  out.setBytes(kj::ArrayPtr<const char>(opened.bytes.data(), opened.bytes.size()).asBytes());
}

kj::Exception Busy(const char* what) {
  return ToException(absl::ResourceExhaustedError(
      absl::StrCat("the shuffle server has too many ", what, " for this peer: try again")));
}

}  // namespace

// One partition of one open run. The file is closed when the peer drops its capability.
class ShuffleServer::Reader final : public ScopedServer<capnp_worker::ByteReader> {
 public:
  Reader(const CallScope& scope, BlockingRunner& io, std::shared_ptr<Load> load,
         kj::Own<Counted<Load>> counted, OpenPartition open)
      : ScopedServer(scope),
        io_(io),
        load_(std::move(load)),
        counted_(kj::mv(counted)),
        partition_(open.run.partition),
        file_(std::move(open.file)) {}

  kj::Promise<void> read(ReadContext context) override {
    const uint64_t offset = context.getParams().getOffset();
    const uint64_t length = context.getParams().getLength();
    if (length > kShuffleChunkBytes) {
      return ToException(absl::InvalidArgumentError("a read of more than 1 MiB"));
    }
    if (load_->reads >= kMaxReads) return Busy("reads");
    const uint64_t begin = std::min(offset, partition_.length);
    const uint64_t count = std::min(length, partition_.length - begin);
    auto data = std::make_shared<std::string>(count, '\0');
    auto counted = kj::heap<Counted<Load>>(load_, &Load::reads);
    return io_
        .Run([file = file_, data, at = partition_.offset + begin]() {
          return Fill(*file, at, data.get());
        })
        .then([context, data](absl::Status status) mutable -> kj::Promise<void> {
          if (!status.ok()) return ToException(status);
          const kj::ArrayPtr<const char> bytes(data->data(), data->size());
          auto results = context.getResults(capnp::MessageSize{data->size() / 8 + 16, 0});
          results.setData(bytes.asBytes());
          return kj::READY_NOW;
        })
        .attach(kj::mv(counted));
  }

 private:
  BlockingRunner& io_;
  const std::shared_ptr<Load> load_;
  const kj::Own<Counted<Load>> counted_;
  const RunPartition partition_;
  const std::shared_ptr<ReadableFile> file_;  // shared with reads on the I/O thread
};

ShuffleServer::ShuffleServer(FileSystem& file_system, BlockingRunner& io,
                             std::string scratch_folder, const CallScope& scope)
    : ScopedServer(scope),
      file_system_(file_system),
      io_(io),
      scratch_folder_(std::move(scratch_folder)),
      scope_(scope),
      load_(std::make_shared<Load>()) {}

kj::Promise<void> ShuffleServer::open(OpenContext context) {
  const absl::StatusOr<TaskId> task = ReadTaskId(context.getParams().getTask());
  const absl::StatusOr<AttemptId> attempt = ReadAttemptId(context.getParams().getAttempt());
  if (!task.ok()) return ToException(task.status());
  if (!attempt.ok()) return ToException(attempt.status());
  if (load_->open_partitions >= kMaxOpenPartitions) return Busy("open partitions");
  const uint32_t partition = context.getParams().getPartition();
  const std::string path = MapOutputPath(scratch_folder_, *task, *attempt);
  auto counted = kj::heap<Counted<Load>>(load_, &Load::open_partitions);
  auto opened = std::make_shared<Opened>();
  auto opening = [&fs = file_system_, opened, path, task = *task, attempt = *attempt, partition]() {
    return Open(fs, path, task, attempt, partition, opened.get());
  };
  return io_.Run(opening).then([this, context, opened, counted = kj::mv(counted)](
                                   absl::Status status) mutable -> kj::Promise<void> {
    // An overloaded disk is no reason to run the map again.
    if (status.code() == absl::StatusCode::kResourceExhausted) return ToException(status);
    if (!status.ok()) {
      context.getResults().initResult().setGone(std::string(status.message()));
      return kj::READY_NOW;
    }
    auto results = context.getResults(capnp::MessageSize{opened->bytes.size() / 8 + 64, 1});
    auto out = results.initResult().initPartition();
    Describe(*opened, out);
    if (out.getLength() > kSmallPartitionBytes) {
      out.setReader(
          kj::heap<Reader>(scope_, io_, load_, kj::mv(counted), std::move(opened->partition)));
    }
    return kj::READY_NOW;
  });
}

}  // namespace millrace
