#include "apps/secret_strings/secret_strings_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/data_bytes.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using capnp_strings::SecretStrings;

void Write(const Reversal& reversal, capnp_strings::Reversal::Builder to) {
  to.setText(ToData(reversal.text));
  to.setValidUtf8(reversal.valid_utf8);
}

ReverseReply Read(capnp_strings::Reversal::Reader from) {
  return {Reversal{std::string(ToBytes(from.getText())), from.getValidUtf8()}, std::nullopt};
}

absl::Status CheckLength(std::string_view text) {
  if (text.size() <= kMaxStringBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the string has ", text.size(), " bytes, at most ",
                                                 kMaxStringBytes, " are reversed"));
}

}  // namespace

class SecretStringsService::Server final : public ScopedServer<SecretStrings> {
 public:
  explicit Server(SecretStringsService& service)
      : ScopedServer(service.calls_), service_(service) {}

  kj::Promise<void> reverse(ReverseContext context) override {
    ++service_.calls_begun_;
    const std::string_view text = ToBytes(context.getParams().getText());
    if (absl::Status length = CheckLength(text); !length.ok()) return ToException(length);
    context.allowCancellation();  // who goes away gives up its place
    kj::Promise<Reversal> reversed = service_.slow_.Add(std::string(text));
    context.releaseParams();  // they may wait for long
    return reversed.then([context](Reversal reversal) mutable {
      Write(reversal, context.getResults().initReversal());
    });
  }

  kj::Promise<void> fastReverse(FastReverseContext context) override {
    ++service_.calls_begun_;
    const std::string_view text = ToBytes(context.getParams().getText());
    if (absl::Status length = CheckLength(text); !length.ok()) return ToException(length);
    auto outcome = context.getResults().initOutcome();
    if (service_.premium_.Contain(ToBytes(context.getParams().getToken()))) {
      Write(Reverse(text), outcome.initReversal());
    } else {
      outcome.setRefused("premium tier required");
    }
    return kj::READY_NOW;
  }

 private:
  SecretStringsService& service_;
};

SecretStrings::Client SecretStringsService::Welcome() { return kj::heap<Server>(*this); }

kj::Promise<ReverseReply> AskToReverse(SecretStrings::Client server, std::string_view text,
                                       const Tier& tier) {
  if (!tier.fast) {
    auto request = server.reverseRequest();
    request.setText(ToData(text));
    return request.send().then([](capnp::Response<SecretStrings::ReverseResults> response) {
      return Read(response.getReversal());
    });
  }
  auto request = server.fastReverseRequest();
  request.setText(ToData(text));
  request.setToken(ToData(tier.token));
  return request.send().then([](capnp::Response<SecretStrings::FastReverseResults> response) {
    const auto outcome = response.getOutcome();
    if (outcome.isReversal()) return Read(outcome.getReversal());
    return ReverseReply{{}, std::string(outcome.getRefused().cStr())};
  });
}

}  // namespace millrace
