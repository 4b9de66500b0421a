#include "worker/shuffle_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
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
  Counted(Counted&&) = default;
  Counted& operator=(Counted&&) = delete;

 private:
  std::shared_ptr<Counter> load_;
  int Counter::*count_;
};

kj::Exception Busy(const char* what) {
  return ToException(absl::ResourceExhaustedError(
      absl::StrCat("the shuffle server has too many ", what, " for this peer: try again")));
}

}  // namespace

// One partition of one open run. The file is closed when the peer drops its capability.
class ShuffleServer::Reader final : public capnp_worker::ByteReader::Server {
 public:
  Reader(BlockingRunner& io, std::shared_ptr<Load> load, OpenRun run, uint32_t partition)
      : io_(io),
        load_(load),
        counted_(load, &Load::open_partitions),
        partition_(run.footer.partitions[partition]),
        file_(std::move(run.file)) {}

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
  static absl::Status Fill(ReadableFile& file, uint64_t at, std::string* data) {
    const absl::StatusOr<size_t> length = file.Read(at, data->size(), data->data());
    if (!length.ok()) return length.status();
    if (*length == data->size()) return absl::OkStatus();
    return absl::DataLossError("a map output was cut while it was being read");
  }

  BlockingRunner& io_;
  const std::shared_ptr<Load> load_;
  const Counted<Load> counted_;
  const RunPartition partition_;
  const std::shared_ptr<ReadableFile> file_;  // shared with reads on the I/O thread
};

ShuffleServer::ShuffleServer(FileSystem& file_system, BlockingRunner& io,
                             std::string scratch_folder)
    : file_system_(file_system),
      io_(io),
      scratch_folder_(std::move(scratch_folder)),
      load_(std::make_shared<Load>()) {}

kj::Promise<void> ShuffleServer::open(OpenContext context) {
  const absl::StatusOr<TaskId> task = ReadTaskId(context.getParams().getTask());
  const absl::StatusOr<AttemptId> attempt = ReadAttemptId(context.getParams().getAttempt());
  if (!task.ok()) return ToException(task.status());
  if (!attempt.ok()) return ToException(attempt.status());
  if (load_->open_partitions >= kMaxOpenPartitions) return Busy("open partitions");
  const uint32_t partition = context.getParams().getPartition();
  const std::string path = MapOutputPath(scratch_folder_, *task, *attempt);
  auto run = std::make_shared<OpenRun>();
  auto opening = [&fs = file_system_, run, path, task = *task, attempt = *attempt, partition]() {
    absl::StatusOr<OpenRun> opened = OpenRunOf(fs, path, task, attempt, partition);
    if (opened.ok()) *run = *std::move(opened);
    return opened.status();
  };
  return io_.Run(opening).then(
      [this, context, run, partition](absl::Status status) mutable -> kj::Promise<void> {
        // An overloaded disk is no reason to run the map again.
        if (status.code() == absl::StatusCode::kResourceExhausted) return ToException(status);
        auto result = context.getResults().initResult();
        if (!status.ok()) {
          result.setGone(std::string(status.message()));
          return kj::READY_NOW;
        }
        const RunFooter& footer = run->footer;
        auto out = result.initPartition();
        out.setLength(footer.partitions[partition].length);
        out.setRecords(footer.partitions[partition].records);
        Write(footer.partitions[partition].digest, out.initDigest());
        out.setValueKind(static_cast<uint8_t>(footer.format.value_kind));
        out.setHasGroupLength(footer.format.has_group_length);
        out.setReader(kj::heap<Reader>(io_, load_, std::move(*run), partition));
        return kj::READY_NOW;
      });
}

}  // namespace millrace
