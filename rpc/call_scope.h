// Ends the calls of servers together with what they work on.
//
// Cap'n Proto delivers a call in a later turn of the loop than the one in which it arrived, and
// goes on with calls whose connection has ended. A server that refers to an object which may be
// destroyed while the loop runs on would then touch what is gone. Such an object owns a CallScope,
// as its last member; its servers derive from ScopedServer. When the scope ends, calls under way
// are dropped, and later ones are refused with DISCONNECTED.
//
//   class Clock {
//     class Server final : public ScopedServer<capnp_apps::Clock> { ... };
//     ...
//     CallScope calls_;
//   };
//
// Lives on one event loop. A scope must not be ended by one of its own calls.
#ifndef MILLRACE_RPC_CALL_SCOPE_H_
#define MILLRACE_RPC_CALL_SCOPE_H_

#include <capnp/capability.h>
#include <kj/async.h>
#include <kj/debug.h>
#include <kj/memory.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace millrace {

class CallScope {
 public:
  CallScope() : calls_(std::make_shared<kj::Own<kj::Canceler>>(kj::heap<kj::Canceler>())) {}
  ~CallScope() noexcept(false) { *calls_ = nullptr; }
  KJ_DISALLOW_COPY(CallScope);

 private:
  template <typename Interface>
  friend class ScopedServer;

  const std::shared_ptr<kj::Own<kj::Canceler>> calls_;  // null once the scope has ended
};

template <typename Interface>
class ScopedServer : public Interface::Server {
 public:
  explicit ScopedServer(const CallScope& scope) : calls_(scope.calls_) {}

  capnp::Capability::Server::DispatchCallResult dispatchCall(
      uint64_t interface_id, uint16_t method_id,
      capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) final {
    if (calls_->get() == nullptr) {
      return {KJ_EXCEPTION(DISCONNECTED, "what served this call is gone"), /*isStreaming=*/false};
    }
    auto result = Interface::Server::dispatchCall(interface_id, method_id, context);
    result.promise = (*calls_)->wrap(kj::mv(result.promise));
    return result;
  }

 private:
  const std::shared_ptr<kj::Own<kj::Canceler>> calls_;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_CALL_SCOPE_H_
