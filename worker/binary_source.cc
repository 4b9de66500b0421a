#include "worker/binary_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/deadline.h"
#include "rpc/master.capnp.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

// For 1 MiB: a link slower than 100 KB/s is no use for a job's binary.
constexpr kj::Duration kChunkTimeout = 10 * kj::SECONDS;

}  // namespace

class MasterBinarySource::Stream final : public BinaryStream {
 public:
  Stream(kj::Timer& timer, kj::Own<Connection> connection, capnp_worker::ByteReader::Client reader)
      : timer_(timer), connection_(kj::mv(connection)), reader_(kj::mv(reader)) {}

  kj::Promise<std::string> Read(uint64_t offset, uint32_t length) override {
    auto request = reader_.readRequest();
    request.setOffset(offset);
    request.setLength(length);
    kj::Promise<std::string> data = request.send().then([](auto response) {
      const capnp::Data::Reader bytes = response.getData();
      return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    });
    return WithDeadline(timer_, kChunkTimeout, "fetching a job's binary from the master",
                        kj::mv(data));
  }

 private:
  kj::Timer& timer_;
  kj::Own<Connection> connection_;
  capnp_worker::ByteReader::Client reader_;
};

MasterBinarySource::MasterBinarySource(kj::Network& network, kj::Timer& timer,
                                       const ConnectionOptions& options)
    : network_(network), timer_(timer), options_(options) {}

kj::Promise<kj::Own<BinaryStream>> MasterBinarySource::Open(JobId job, const std::string& file) {
  if (master_.empty()) {
    return ToException(absl::UnavailableError("the master's address is not known"));
  }
  return Dial(network_, timer_, master_, Role::kBulk, options_)
      .then([this, job,
             file](kj::Own<Connection> connection) -> kj::Promise<kj::Own<BinaryStream>> {
        auto request = connection->Peer().castAs<capnp_master::Binaries>().openRequest();
        request.setJob(job.value());
        request.setFile(file);
        auto opened =
            request.send().then([this, connection = kj::mv(connection)](
                                    auto response) mutable -> kj::Promise<kj::Own<BinaryStream>> {
              auto result = response.getResult();
              if (result.isRefused()) {
                return ToException(absl::InternalError(absl::StrCat(
                    "the master cannot send what the job needs: ", result.getRefused().cStr())));
              }
              return kj::Own<BinaryStream>(
                  kj::heap<Stream>(timer_, kj::mv(connection), result.getFile().getReader()));
            });
        return WithDeadline(timer_, kChunkTimeout, "asking the master for a job's binary",
                            kj::Promise<kj::Own<BinaryStream>>(kj::mv(opened)));
      });
}

}  // namespace millrace
