#include "apps/wordcount_rpc/ask_all.h"

#include <kj/debug.h>
#include <kj/vector.h>

#include <deque>
#include <utility>

#include "absl/status/status.h"
#include "apps/wordcount_rpc/ways_to_call.h"

namespace millrace {
namespace {

std::vector<Answer> AskOneAfterAnother(kj::WaitScope& loop,
                                       const std::vector<Question>& questions) {
  std::vector<Answer> answers;
  answers.reserve(questions.size());
  for (const Question& ask : questions) answers.push_back(CallAndWait(loop, ask()));
  return answers;
}

std::vector<Answer> AskWithCallbacks(kj::WaitScope& loop, const std::vector<Question>& questions) {
  std::vector<Answer> answers(questions.size(), absl::UnknownError("no answer yet"));
  kj::Vector<kj::Promise<void>> called_back;
  for (size_t i = 0; i < questions.size(); ++i) {
    called_back.add(CallWithCallback(
        questions[i](), [&answers, i](Answer answer) { answers[i] = std::move(answer); }));
  }
  kj::joinPromises(called_back.releaseAsArray()).wait(loop);
  return answers;
}

std::vector<Answer> AskWithFutures(kj::WaitScope& loop, const std::vector<Question>& questions,
                                   const std::function<void()>& other_work) {
  std::vector<Future<WordCounts>> futures;
  futures.reserve(questions.size());
  for (const Question& ask : questions) futures.emplace_back(loop, ask());
  std::vector<Answer> answers;
  answers.reserve(questions.size());
  for (Future<WordCounts>& future : futures) {
    while (!future.Ready()) other_work();
    answers.push_back(future.Get());
  }
  return answers;
}

std::vector<Answer> AskWithCallObjects(kj::WaitScope& loop,
                                       const std::vector<Question>& questions) {
  std::deque<Call<WordCounts>> calls;  // in which an object stays where it is
  for (const Question& ask : questions) calls.emplace_back(ask());
  std::vector<Answer> answers;
  for (Call<WordCounts>& call : calls) {
    call.OnDone().wait(loop);
    answers.push_back(call.error().ok() ? Answer(call.reply()) : Answer(call.error()));
  }
  return answers;
}

}  // namespace

std::vector<Answer> AskAll(Way way, kj::WaitScope& loop, const std::vector<Question>& questions,
                           const std::function<void()>& other_work) {
  switch (way) {
    case Way::kSync: return AskOneAfterAnother(loop, questions);
    case Way::kCallback: return AskWithCallbacks(loop, questions);
    case Way::kFuture: return AskWithFutures(loop, questions, other_work);
    case Way::kCallObject: return AskWithCallObjects(loop, questions);
  }
  KJ_UNREACHABLE;
}

}  // namespace millrace
