#include "apps/wordcount_rpc/word_count_service.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "rpc/data_bytes.h"
#include "rpc/deadline.h"
#include "rpc/status_exception.h"

namespace millrace {
namespace {

using capnp_words::WordCount;
using capnp_words::WordCounter;

void Write(const WordCounts& counts, WordCounter::CountResults::Builder results) {
  auto list = results.initCounts(static_cast<capnp::uint>(counts.size()));
  capnp::uint at = 0;
  for (const auto& [word, count] : counts) {
    list[at].setWord(ToData(word));
    list[at++].setCount(count);
  }
}

WordCounts Read(WordCounter::CountResults::Reader results) {
  WordCounts counts;
  for (const WordCount::Reader& entry : results.getCounts()) {
    counts[std::string(ToBytes(entry.getWord()))] = entry.getCount();
  }
  return counts;
}

// Cap'n Proto says that a peer has failed, and here is which.
kj::Exception Name(const std::string& peer, const kj::Exception& exception) {
  const absl::Status status = ToStatus(exception);
  const absl::string_view why = absl::StripSuffix(status.message(), ".");
  if (absl::IsUnimplemented(status)) {  // of this version it is, or there would be no connection
    return ToException(absl::UnimplementedError(
        absl::StrCat(peer, " is no word-count server: ", why, "; check --server")));
  }
  return ToException(absl::Status(status.code(), absl::StrCat("asking ", peer, ": ", why)));
}

}  // namespace

class WordCountService::Server final : public ScopedServer<WordCounter> {
 public:
  explicit Server(WordCountService& service) : ScopedServer(service.calls_), service_(service) {}

  kj::Promise<void> count(CountContext context) override {
    context.allowCancellation();  // who does not wait any more costs nothing
    const std::string_view text = ToBytes(context.getParams().getText());
    ++service_.calls_begun_;
    if (text.size() > kMaxTextBytes) {
      return ToException(absl::InvalidArgumentError(absl::StrCat(
          "the text has ", text.size(), " bytes, at most ", kMaxTextBytes, " are counted")));
    }
    service_.on_call_();
    Write(CountWords(text), context.getResults());
    if (service_.takes_ == 0 * kj::SECONDS) return kj::READY_NOW;
    ++service_.under_way_;
    return service_.timer_.afterDelay(service_.takes_).attach(kj::defer([&service = service_]() {
      --service.under_way_;
    }));
  }

 private:
  WordCountService& service_;
};

WordCounter::Client WordCountService::Welcome() { return kj::heap<Server>(*this); }

kj::Promise<WordCounts> CountWordsAt(Connection& server, std::string_view text, kj::Timer& timer,
                                     kj::Duration limit) {
  auto request = server.Peer().castAs<WordCounter>().countRequest();
  request.setText(ToData(text));
  kj::Promise<WordCounts> counts =
      request.send()
          .then([](capnp::Response<WordCounter::CountResults> response) { return Read(response); })
          .catch_([peer = server.peer()](kj::Exception&& e) -> kj::Promise<WordCounts> {
            return Name(peer, e);
          });
  return WithDeadline(timer, limit, "asking " + server.peer(), kj::mv(counts));
}

}  // namespace millrace
