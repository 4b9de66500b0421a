#include "worker/partition_fetch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mapreduce/status_macros.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"
#include "rpc/wire.h"
#include "worker/shuffle_server.h"

namespace millrace {
namespace {

FetchedPartition Ended(FetchedPartition::End end, std::string message) {
  FetchedPartition fetched;
  fetched.end = end;
  fetched.message = std::move(message);
  return fetched;
}

// What the peer did says whether another try can help.
FetchedPartition EndedBy(const kj::Exception& exception) {
  return Ended(MayPass(exception) ? FetchedPartition::End::kTrouble : FetchedPartition::End::kGone,
               std::string(ToStatus(exception).message()));
}

}  // namespace

// The file. Used by one piece of work on the I/O thread at a time.
class PartitionFetch::Target {
 public:
  Target(FileSystem& file_system, std::string path)
      : file_system_(file_system), path_(std::move(path)) {}

  absl::Status Append(const std::string& chunk, bool last) {
    if (file_ == nullptr) {
      MILLRACE_ASSIGN_OR_RETURN(file_, file_system_.OpenForWriting(path_));
    }
    MILLRACE_RETURN_IF_ERROR(file_->Append(chunk));
    return last ? file_->Close() : absl::OkStatus();
  }

 private:
  FileSystem& file_system_;
  const std::string path_;
  std::unique_ptr<WritableFile> file_;
};

PartitionFetch::PartitionFetch(kj::Timer& timer, FileSystem& file_system, BlockingRunner& io,
                               PartitionFetchOptions options)
    : timer_(timer),
      io_(io),
      options_(std::move(options)),
      target_(std::make_shared<Target>(file_system, options_.path)) {}

kj::Promise<FetchedPartition> PartitionFetch::Run(PeerPool& peers, const std::string& address) {
  return peers.Connect(address).then(
      [this](kj::Own<Peer> peer) {
        peer_ = kj::mv(peer);
        auto lost = peer_->OnLost().then([]() {
          return Ended(FetchedPartition::End::kTrouble, "its worker does not answer any more");
        });
        return Open().exclusiveJoin(kj::mv(lost)).catch_([](kj::Exception&& exception) {
          return EndedBy(exception);
        });
      },
      [](kj::Exception&& exception) -> kj::Promise<FetchedPartition> {
        return Ended(FetchedPartition::End::kUnreachable,
                     std::string(ToStatus(exception).message()));
      });
}

kj::Promise<FetchedPartition> PartitionFetch::Open() {
  auto request = peer_->shuffle().openRequest();
  Write(options_.map_task, request.initTask());
  Write(options_.attempt, request.initAttempt());
  request.setPartition(options_.partition);
  auto response = request.send();
  return WithDeadline(
             timer_, options_.chunk_timeout, "opening a map output",
             kj::Promise<capnp::Response<capnp_worker::Shuffle::OpenResults>>(kj::mv(response)))
      .then([this](auto opened) {
        peer_->Heard();
        return Begin(opened.getResult());
      });
}

kj::Promise<FetchedPartition> PartitionFetch::Begin(capnp_worker::PartitionResult::Reader result) {
  if (result.isGone()) {
    return Ended(FetchedPartition::End::kGone, ReadMessageText(result.getGone()));
  }
  const auto partition = result.getPartition();
  const absl::StatusOr<Digest> digest = ReadDigest(partition.getDigest());
  if (!digest.ok() || partition.getValueKind() > static_cast<uint8_t>(ValueKind::kInt64)) {
    return Ended(FetchedPartition::End::kGone, "its server describes it wrongly");
  }
  source_.map_index = options_.map_index;
  source_.attempt = options_.attempt;
  source_.path = options_.path;
  source_.expected.length = partition.getLength();
  source_.expected.records = partition.getRecords();
  source_.expected.longest_block = partition.getLongestBlock();
  source_.expected.digest = *digest;
  source_.format.value_kind = static_cast<ValueKind>(partition.getValueKind());
  source_.format.has_group_length = partition.getHasGroupLength();
  if (source_.expected.length == 0) return Fetched();
  if (partition.hasReader()) {
    reader_ = partition.getReader();
    return CopyRest();
  }
  const capnp::Data::Reader bytes = partition.getBytes();
  if (bytes.size() != source_.expected.length) {
    return Ended(FetchedPartition::End::kGone, "its server sent less than it promised");
  }
  asked_ = bytes.size();
  return Store(std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size()));
}

kj::Promise<FetchedPartition> PartitionFetch::CopyRest() {
  AskAhead();
  if (chunks_.empty()) return Fetched();
  kj::Promise<std::string> next = kj::mv(chunks_.front());
  chunks_.pop_front();
  return next.then([this](std::string chunk) { return Store(std::move(chunk)); });
}

void PartitionFetch::AskAhead() {
  while (chunks_.size() < kMaxChunks && asked_ < source_.expected.length) {
    auto request = KJ_ASSERT_NONNULL(reader_).readRequest();
    const uint64_t length =
        std::min<uint64_t>(kShuffleChunkBytes, source_.expected.length - asked_);
    request.setOffset(asked_);
    request.setLength(length);
    asked_ += length;
    kj::Promise<std::string> chunk =
        request.send().then([this, length](auto response) -> kj::Promise<std::string> {
          peer_->Heard();
          const capnp::Data::Reader data = response.getData();
          if (data.size() != length) {
            return ToException(absl::DataLossError("its server sent less than it promised"));
          }
          return std::string(reinterpret_cast<const char*>(data.begin()), data.size());
        });
    chunks_.push_back(
        WithDeadline(timer_, options_.chunk_timeout, "reading a map output", kj::mv(chunk)));
  }
}

kj::Promise<FetchedPartition> PartitionFetch::Store(std::string chunk) {
  stored_ += chunk.size();
  if (options_.received != nullptr) *options_.received += chunk.size();
  const bool last = stored_ == source_.expected.length;
  return io_
      .Run([target = target_, chunk = std::move(chunk), last]() {
        return target->Append(chunk, last);
      })
      .then([this](absl::Status stored) -> kj::Promise<FetchedPartition> {
        if (stored.ok()) return CopyRest();
        return Ended(FetchedPartition::End::kLocalFailure, std::string(stored.message()));
      });
}

FetchedPartition PartitionFetch::Fetched() {
  FetchedPartition fetched;
  fetched.end = FetchedPartition::End::kFetched;
  fetched.bytes = source_.expected.length;
  if (source_.expected.length != 0) fetched.source = source_;
  return fetched;
}

}  // namespace millrace
