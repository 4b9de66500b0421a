#include "tests/chat/sim_chat.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"

namespace millrace::sim {
namespace {

using Lines = std::vector<std::string>;

constexpr char kWitness[] = "witness";

ConnectionOptions MakeConnectionOptions(Random& random) {
  ConnectionOptions options;
  options.entropy = [&random](uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(random.Next());
  };
  return options;
}

}  // namespace

size_t Transcript::CountNotes(const std::string& note) const {
  return std::count(notes.begin(), notes.end(), note);
}

// --- Server ---

ChatServerProcess::ChatServerProcess(World& world, Network& network,
                                     const chat::RoomOptions& options)
    : life_(world, kServer, 1.0),
      random_(world.random().Fork()),
      interface_(network, life_, kServer),
      chat_(life_.timer(), options),
      tasks_(*this) {
  tasks_.add(
      interface_.parseAddress(kServerAddress, 0).then([this](kj::Own<kj::NetworkAddress> address) {
        host_ = std::make_unique<ServiceHost>(life_.timer(), address->listen(),
                                              MakeConnectionOptions(random_),
                                              [this](const PeerInfo&) { return chat_.NewDoor(); });
        return host_->Run();
      }));
}

ChatServerProcess::~ChatServerProcess() noexcept(false) { life_.Kill(); }

void ChatServerProcess::taskFailed(kj::Exception&& exception) {
  LOG(FATAL) << "the server of the chat: " << kj::str(exception).cStr();
}

// --- People ---

ChatPerson::ChatPerson(World& world, Network& network, Transcript& transcript,
                       const std::string& name)
    : transcript_(transcript),
      life_(world, transcript.name, 1.0),
      random_(world.random().Fork()),
      interface_(network, life_, transcript.name),
      tasks_(*this) {
  chat::ChatClientOptions options;
  options.name = name;
  options.server = kServerAddress;
  options.seed = random_.Next();
  for (size_t i = 0; i < chat::kSessionBytes; ++i) {
    options.session += static_cast<char>(random_.Next());
  }
  auto dial = [this]() {
    return Dial(interface_, life_.timer(), kServerAddress, Role::kClient,
                MakeConnectionOptions(random_));
  };
  client_ =
      std::make_unique<chat::ChatClient>(life_.timer(), kj::mv(dial), *this, std::move(options));
  run_ = client_->Run()
             .then([this](chat::ChatEnd end) {
               life_.world().Note(life_.name(), "ends: " + end.reason);
               transcript_.end = std::move(end);
             })
             .eagerlyEvaluate([this](kj::Exception&& e) { taskFailed(kj::mv(e)); });
}

ChatPerson::~ChatPerson() noexcept(false) { life_.Kill(); }

void ChatPerson::Interrupt() {
  run_ = nullptr;
  tasks_.add(client_->SayGoodbye());
}

void ChatPerson::taskFailed(kj::Exception&& exception) {
  transcript_.error = exception.getDescription().cStr();
  life_.world().Note(life_.name(), "gives up: " + transcript_.error);
}

void ChatPerson::Type(const std::string& text) {
  transcript_.typed.push_back(text);
  to_type_.push_back(text);
  if (!types_) tasks_.add(TypeOn());
}

kj::Promise<void> ChatPerson::TypeOn() {
  types_ = !to_type_.empty();
  if (!types_) {
    if (finishes_) client_->EndInput();
    return kj::READY_NOW;
  }
  const std::string text = to_type_.front();
  to_type_.pop_front();
  return client_->Type(text).then([this]() { return TypeOn(); });
}

void ChatPerson::Finish() {
  finishes_ = true;
  if (!types_) client_->EndInput();
}

void ChatPerson::Thaw() {
  frozen_ = false;
  thawed_.Ring();
}

void ChatPerson::Show(const std::string& lines) {
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    transcript_.shown.emplace_back(line);
    life_.world().Note(life_.name(), absl::StrCat("sees: ", line));
  }
}

kj::Promise<void> ChatPerson::Shown() {
  if (!frozen_) return kj::READY_NOW;
  return thawed_.Next().then([this]() { return Shown(); });
}

void ChatPerson::Note(const std::string& line) {
  transcript_.notes.push_back(line);
  life_.world().Note(life_.name(), line);
}

// --- All of it ---

ChatWorld::ChatWorld(uint64_t seed, const chat::RoomOptions& options, bool print_trace)
    : world_(seed, print_trace), network_(world_, NetworkOptions()), options_(options) {
  RestartServer();
  Add(kWitness);
  CHECK(RunUntil([this]() { return server_->room().members() == 1; })) << "no witness";
}

ChatWorld::~ChatWorld() noexcept(false) {
  people_.clear();
  server_ = nullptr;
}

ChatPerson& ChatWorld::Add(const std::string& name, const std::string& as) {
  CHECK(transcripts_.count(name) == 0) << name;
  Transcript& transcript = transcripts_[name];
  transcript.name = name;
  people_[name] =
      std::make_unique<ChatPerson>(world_, network_, transcript, as.empty() ? name : as);
  return *people_[name];
}

std::vector<std::string> ChatWorld::Alive() const {
  std::vector<std::string> names;
  for (const auto& [name, person] : people_) {
    if (name != kWitness) names.push_back(name);
  }
  return names;
}

void ChatWorld::Kill(const std::string& name) {
  transcripts_.at(name).killed = true;
  people_.at(name)->life().Kill();
  people_.erase(name);
}

void ChatWorld::RestartServer() {
  server_ = nullptr;
  server_ = std::make_unique<ChatServerProcess>(world_, network_, options_);
}

// --- What must be true ---

namespace {

// What `order` has for somebody: from its joining on, without its own.
Lines MeantFor(const std::string& name, const Lines& order) {
  Lines meant;
  bool is_here = false;
  for (const std::string& line : order) {
    if (absl::StartsWith(line, absl::StrCat("* ", name, " left"))) break;
    if (is_here && !absl::StartsWith(line, name + ": ")) meant.push_back(line);
    if (line == absl::StrCat("* ", name, " joined")) is_here = true;
  }
  return meant;
}

Lines SaidBy(const std::string& name, const Lines& order) {
  Lines said;
  for (const std::string& line : order) {
    if (absl::StartsWith(line, name + ": ")) said.push_back(line.substr(name.size() + 2));
  }
  return said;
}

// Where the two first differ, if not because one of them ends; "": nowhere.
std::string Difference(const std::string& what, const Lines& is, const Lines& promised) {
  for (size_t i = 0; i < std::min(is.size(), promised.size()); ++i) {
    if (is[i] == promised[i]) continue;
    return absl::StrCat(what, " \"", is[i], "\" as number ", i, ", where \"", promised[i],
                        "\" belongs\n");
  }
  return "";
}

std::string MoreThan(const std::string& what, const Lines& is, const Lines& promised) {
  if (is.size() <= promised.size()) return "";
  return absl::StrCat(what, " \"", is[promised.size()], "\" beyond what was promised\n");
}

std::string CheckOne(const Transcript& transcript, const Lines& order, bool calm) {
  const std::string& name = transcript.name;
  const Lines meant = MeantFor(name, order);
  const Lines said = SaidBy(name, order);
  std::string problems = Difference(name + " saw", transcript.shown, meant) +
                         Difference(name + " was heard with", said, transcript.typed);
  if (!calm) return problems;

  problems += MoreThan(name + " saw", transcript.shown, meant);
  problems += MoreThan(name + " was heard with", said, transcript.typed);
  if (!transcript.over()) problems += MoreThan(name + " did not see", meant, transcript.shown);
  if (!transcript.end.has_value()) return problems;
  const chat::ChatEnd& end = *transcript.end;
  if (end.reason.empty()) problems += MoreThan(name + " left without", transcript.typed, said);
  if (end.forgotten) return problems;  // what it was told of may have been heard
  Lines known = said;
  known.insert(known.end(), end.unheard.begin(), end.unheard.end());
  return problems + Difference(name + " was told of", known, transcript.typed);
}

}  // namespace

std::string CheckChat(const ChatWorld& world, bool calm) {
  std::string problems;
  for (const auto& [name, transcript] : world.transcripts()) {
    if (name == kWitness) continue;
    problems += CheckOne(transcript, world.order(), calm);
    const Lines& order = world.order();
    if (std::count(order.begin(), order.end(), absl::StrCat("* ", name, " joined")) > 1) {
      problems += name + " joined twice\n";
    }
  }
  return problems;
}

}  // namespace millrace::sim
