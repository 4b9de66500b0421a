#include "worker/binary_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <vector>

#include "rpc/acceptor.h"
#include "rpc/master.capnp.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class Bytes final : public capnp_worker::ByteReader::Server {
 public:
  kj::Promise<void> read(ReadContext context) override {
    const std::string all = "all of the program";
    const std::string piece =
        all.substr(context.getParams().getOffset(), context.getParams().getLength());
    context.getResults().setData(kj::arrayPtr(piece.data(), piece.size()).asBytes());
    return kj::READY_NOW;
  }
};

// A master that has the binary of job-1 only.
class Binaries final : public capnp_master::Binaries::Server {
 public:
  kj::Promise<void> open(OpenContext context) override {
    auto result = context.getResults().initResult();
    if (context.getParams().getJob() != 1) {
      result.setRefused("no such job");
      return kj::READY_NOW;
    }
    auto file = result.initFile();
    file.setReader(kj::heap<Bytes>());
    file.setSize(18);
    return kj::READY_NOW;
  }
};

class BinarySourceTest : public testing::Test {
 protected:
  BinarySourceTest() {
    auto address = io_.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io_.waitScope);
    acceptor_ = kj::heap<Acceptor>(
        io_.provider->getTimer(), address->listen(), ConnectionOptions(),
        std::vector<Role>{Role::kBulk}, [this](PeerInfo, kj::Own<kj::AsyncIoStream> stream) {
          masters_.push_back(
              kj::heap<Connection>(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER,
                                   capnp_master::Binaries::Client(kj::heap<Binaries>()), "worker"));
        });
    accepting_ = acceptor_->Run().eagerlyEvaluate(nullptr);
  }
  ~BinarySourceTest() noexcept override {}

  std::string OpenFailure(JobId job) {
    return source_.Open(job, "")
        .then([](kj::Own<BinaryStream>) { return std::string(); },
              [](kj::Exception&& e) { return std::string(ToStatus(e).message()); })
        .wait(io_.waitScope);
  }
  void KnowTheMaster() {
    source_.SetMasterAddress("127.0.0.1:" + std::to_string(acceptor_->port()));
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::vector<kj::Own<Connection>> masters_;
  kj::Own<Acceptor> acceptor_;
  kj::Promise<void> accepting_ = nullptr;
  MasterBinarySource source_{io_.provider->getNetwork(), io_.provider->getTimer(),
                             ConnectionOptions()};
};

TEST_F(BinarySourceTest, ReadsPieceByPieceOverItsOwnConnection) {
  KnowTheMaster();
  kj::Own<BinaryStream> stream = source_.Open(JobId(1), "").wait(io_.waitScope);
  EXPECT_EQ(stream->Read(0, 6).wait(io_.waitScope), "all of");
  EXPECT_EQ(stream->Read(6, 100).wait(io_.waitScope), " the program");
  EXPECT_EQ(masters_.size(), 1u);
}

TEST_F(BinarySourceTest, ARefusalSaysWhy) {
  KnowTheMaster();
  EXPECT_THAT(OpenFailure(JobId(2)),
              HasSubstr("the master cannot send what the job needs: no such"));
}

TEST_F(BinarySourceTest, AMasterThatIsNotThereIsNamed) {
  EXPECT_EQ(OpenFailure(JobId(1)), "the master's address is not known");
  source_.SetMasterAddress("127.0.0.1:1");
  EXPECT_THAT(OpenFailure(JobId(1)), HasSubstr("127.0.0.1:1"));
}

TEST_F(BinarySourceTest, AConnectionThatBreaksFailsTheRead) {
  KnowTheMaster();
  kj::Own<BinaryStream> stream = source_.Open(JobId(1), "").wait(io_.waitScope);
  masters_.clear();
  const bool failed =
      stream->Read(0, 6)
          .then([](std::string) { return false; }, [](kj::Exception&&) { return true; })
          .wait(io_.waitScope);
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace millrace
