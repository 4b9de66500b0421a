#include "rpc/call_server.h"

#include <glog/logging.h>

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "rpc/call.capnp.h"
#include "rpc/call_scope.h"
#include "rpc/data_bytes.h"
#include "rpc/duplicate_table.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using Fate = DuplicateTable::Verdict;
using Xid = std::pair<ClientId, uint64_t>;

ClientId ReadClient(capnp_call::ClientId::Reader client) {
  return {client.getHigh(), client.getLow()};
}

CallHeader ReadHeader(capnp_call::CallHeader::Reader header) {
  return {ReadClient(header.getClient()), header.getSession(), header.getSequence(),
          header.getSeenUpTo()};
}

void Write(const CallReply& reply, capnp_call::CallOutcome::Builder outcome) {
  if (reply.refused) {
    outcome.setRefused(kj::StringPtr(reply.bytes.c_str(), reply.bytes.size()));
  } else {
    outcome.setReply(ToData(reply.bytes));
  }
}

// Without a hint Cap'n Proto clears 8 KiB for each message.
capnp::MessageSize SizeWith(const CallReply* reply) {
  constexpr uint64_t kOutcomeWords = 8;
  const size_t bytes = reply == nullptr ? 0 : reply->bytes.size();
  return {kOutcomeWords + bytes / sizeof(capnp::word) + 1, 0};
}

DuplicateTableOptions TableOptions(const CallServerOptions& options) {
  DuplicateTableOptions table;
  table.lease_ms = options.lease / kj::MILLISECONDS;
  table.max_unseen_per_client = options.max_unseen_per_client;
  table.first_session = DrawNumber(options.entropy);
  return table;
}

}  // namespace

class CallServer::Impl {
 public:
  Impl(kj::Timer& timer, const CallServerOptions& options, Service service, SessionStore* store)
      : timer_(timer),
        lease_(options.lease),
        service_(kj::mv(service)),
        store_(store),
        table_(TableOptions(options)) {}

  void Restore(const ClientRecord& record) { table_.Restore(record, NowMs()); }

  capnp::Capability::Client Welcome(std::string peer) {
    return capnp_call::CallServer::Client(kj::heap<Server>(*this, std::move(peer)));
  }

  const DuplicateTable& table() const { return table_; }
  size_t running() const { return running_.size(); }

 private:
  using Context =
      capnp::CallContext<capnp_call::CallServer::CallParams, capnp_call::CallServer::CallResults>;

  // What one client's connection reaches.
  class Server final : public ScopedServer<capnp_call::CallServer> {
   public:
    Server(Impl& impl, std::string peer)
        : ScopedServer(impl.calls_), impl_(impl), peer_(std::move(peer)) {}

    kj::Promise<void> open(OpenContext context) override {
      return impl_.Open(ReadClient(context.getParams().getClient()))
          .then([lease = impl_.lease_, context](uint64_t session) mutable {
            context.getResults().setSession(session);
            context.getResults().setLeaseMs(static_cast<uint32_t>(lease / kj::MILLISECONDS));
          });
    }

    kj::Promise<void> call(CallContext context) override {
      context.allowCancellation();  // of waiting for the reply: the call itself is nobody's
      const CallInfo info{true, ReadHeader(context.getParams().getHeader()), peer_};
      std::string request(ToBytes(context.getParams().getRequest()));
      context.releaseParams();
      return impl_.Call(info, std::move(request), context);
    }

    kj::Promise<void> callPlainly(CallPlainlyContext context) override {
      context.allowCancellation();
      std::string request(ToBytes(context.getParams().getRequest()));
      context.releaseParams();
      return impl_.Execute({false, {}, peer_}, std::move(request))
          .then([context](CallReply&& reply) mutable {
            Write(reply, context.getResults(SizeWith(&reply)).initOutcome());
          });
    }

   private:
    Impl& impl_;
    const std::string peer_;
  };

  kj::Promise<uint64_t> Open(const ClientId& client) {
    const uint64_t session = table_.Open(client, NowMs());
    PassOnForgotten();
    if (session == 0) return ToException(absl::ResourceExhaustedError("too many clients"));
    if (store_ == nullptr) return session;
    return store_->Keep(client, session).then([session]() { return session; });
  }

  kj::Promise<void> Call(const CallInfo& info, std::string request, Context context) {
    const CallHeader& header = info.header;
    const DuplicateTable::Answer answer = table_.Admit(header, NowMs());
    PassOnForgotten();
    if (answer.verdict == Fate::kExecute) Start(info, std::move(request));
    if (answer.verdict != Fate::kExecute && answer.verdict != Fate::kWait) {
      return Tell(answer, context);
    }
    return running_.at({header.client, header.sequence})
        .addBranch()
        .then([this, header, context]() { return Tell(table_.Admit(header, NowMs()), context); });
  }

  // Of a call that does not run, or not any more.
  kj::Promise<void> Tell(const DuplicateTable::Answer& answer, Context context) {
    capnp_call::CallOutcome::Builder outcome =
        context.getResults(SizeWith(answer.reply)).initOutcome();
    switch (answer.verdict) {
      case Fate::kReply: Write(*answer.reply, outcome); return kj::READY_NOW;
      case Fate::kStale: outcome.setStale(); return kj::READY_NOW;
      case Fate::kExpired: outcome.setSessionExpired(); return forgotten_.addBranch();
      case Fate::kTooMany:
        // No refusal: another copy of the call may still find room.
        return ToException(absl::ResourceExhaustedError("too many calls without a reply seen"));
      case Fate::kExecute:
      case Fate::kWait: break;
    }
    LOG(FATAL) << "a call has finished, and left nothing behind";
  }

  void Start(const CallInfo& info, std::string request) {
    kj::ForkedPromise<void> finished = Execute(info, std::move(request))
                                           .then([this, header = info.header](CallReply&& reply) {
                                             Finish(header, std::move(reply));
                                           })
                                           .fork();
    running_.emplace(Xid(info.header.client, info.header.sequence), kj::mv(finished));
  }

  void Finish(const CallHeader& header, CallReply reply) {
    table_.Finish(header, std::move(reply), NowMs());
    const auto finished = running_.find({header.client, header.sequence});
    // It cannot be destroyed by what is its own last step.
    last_finished_ = kj::mv(finished->second);
    running_.erase(finished);
  }

  kj::Promise<CallReply> Execute(const CallInfo& info, std::string request) {
    return kj::evalNow([&]() { return service_(info, std::move(request)); })
        .catch_([](kj::Exception&& e) {
          return CallReply::Refused(std::string(ToStatus(e).message()));
        });
  }

  void PassOnForgotten() {
    std::vector<ClientId> forgotten = table_.TakeForgotten();
    if (forgotten.empty() || store_ == nullptr) return;
    kj::Promise<void> done = store_->Forget(std::move(forgotten));
    forgotten_ = forgotten_.addBranch()
                     .then([done = kj::mv(done)]() mutable { return kj::mv(done); })
                     .fork();
  }

  uint64_t NowMs() const {
    return static_cast<uint64_t>((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
  }

  kj::Timer& timer_;
  const kj::Duration lease_;
  Service service_;
  SessionStore* const store_;  // null: sessions end with the server
  DuplicateTable table_;
  // Resolves when the store has forgotten all clients that the table has.
  kj::ForkedPromise<void> forgotten_ = kj::Promise<void>(kj::READY_NOW).fork();
  absl::flat_hash_map<Xid, kj::ForkedPromise<void>> running_;
  kj::ForkedPromise<void> last_finished_ = nullptr;
  CallScope calls_;
};

CallServer::CallServer(kj::Timer& timer, const CallServerOptions& options, Service service)
    : impl_(kj::heap<Impl>(timer, options, kj::mv(service), nullptr)) {}

CallServer::CallServer(kj::Timer& timer, const CallServerOptions& options, Service service,
                       SessionStore& store, const std::vector<ClientRecord>& kept)
    : impl_(kj::heap<Impl>(timer, options, kj::mv(service), &store)) {
  for (const ClientRecord& record : kept) impl_->Restore(record);
}

CallServer::~CallServer() noexcept(false) = default;

capnp::Capability::Client CallServer::Welcome(std::string peer) {
  return impl_->Welcome(std::move(peer));
}

size_t CallServer::clients() const { return impl_->table().clients(); }
size_t CallServer::replies() const { return impl_->table().replies(); }
size_t CallServer::running() const { return impl_->running(); }

}  // namespace millrace
