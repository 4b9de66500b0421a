#include "rpc/duplicate_table.h"

#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace {
namespace {

// Each client is forgotten once, so one a call would do; a few more catch up sooner when many have
// gone at the same time, and cost no call more than a microsecond.
constexpr int kForgottenAtOnceMax = 8;

// What a reply takes beside its bytes. Else replies without bytes could fill the memory.
constexpr size_t kBytesBesideReply = sizeof(uint64_t) + sizeof(std::optional<CallReply>);

size_t BytesOf(const CallReply& reply) { return kBytesBesideReply + reply.bytes.size(); }

// No client of ours comes so far, and databases have numbers with a sign.
constexpr uint64_t kLastSequence = INT64_MAX;

}  // namespace

DuplicateTable::DuplicateTable(const DuplicateTableOptions& options)
    : options_(options), next_session_(options.first_session) {}

uint64_t DuplicateTable::Open(const ClientId& client, uint64_t now_ms) {
  ForgetSilent(now_ms);
  const auto found = by_id_.find(client);
  if (found != by_id_.end()) {
    const Clients::iterator known = *found;
    if (!IsSilent(*known, now_ms)) {
      Touch(known, now_ms);
      return known->session;
    }
    Forget(known);
  }
  if (clients() >= options_.max_clients) return 0;
  if (next_session_ == 0) ++next_session_;  // 0 is no session
  return Add(client, next_session_++, now_ms)->session;
}

void DuplicateTable::Restore(const ClientRecord& record, uint64_t now_ms) {
  Client& client = *Add(record.client, record.session, now_ms);
  client.seen_up_to = record.seen_up_to;
  for (const ClientRecord::Reply& kept : record.replies) Keep(client, kept.sequence, kept.reply);
}

DuplicateTable::Answer DuplicateTable::Admit(const CallHeader& header, uint64_t now_ms) {
  ForgetSilent(now_ms);
  const auto found = by_id_.find(header.client);
  if (found == by_id_.end() || (*found)->session != header.session) return {Verdict::kExpired};
  const Clients::iterator client = *found;
  if (IsSilent(*client, now_ms)) {
    Forget(client);
    return {Verdict::kExpired};
  }
  Touch(client, now_ms);
  Discard(*client, header.seen_up_to);
  if (header.sequence <= client->seen_up_to || header.sequence > kLastSequence) {
    return {Verdict::kStale};
  }
  const auto call = client->calls.find(header.sequence);
  if (call != client->calls.end()) {
    if (!call->second.has_value()) return {Verdict::kWait};
    return {Verdict::kReply, &*call->second};
  }
  if (client->calls.size() >= options_.max_unseen_per_client ||
      reply_bytes_ >= options_.max_reply_bytes || running_ >= options_.max_running) {
    return {Verdict::kTooMany};
  }
  client->calls.emplace(header.sequence, std::nullopt);
  if (client->running++ == 0) busy_.splice(busy_.end(), idle_, client);
  ++running_;
  return {Verdict::kExecute};
}

void DuplicateTable::Finish(const CallHeader& header, CallReply reply, uint64_t now_ms) {
  const auto found = by_id_.find(header.client);
  CHECK(found != by_id_.end());  // it had this call under way
  const Clients::iterator client = *found;
  const auto call = client->calls.find(header.sequence);
  CHECK(call != client->calls.end() && !call->second.has_value()) << header.sequence;
  client->calls.erase(call);
  // A client may lose interest in a call that runs, and then say that it has seen the reply.
  if (header.sequence > client->seen_up_to) Keep(*client, header.sequence, std::move(reply));
  --running_;
  if (--client->running == 0) idle_.splice(idle_.end(), busy_, client);
  Touch(client, now_ms);
}

std::vector<ClientId> DuplicateTable::TakeForgotten() { return std::exchange(forgotten_, {}); }

DuplicateTable::Clients::iterator DuplicateTable::Add(const ClientId& id, uint64_t session,
                                                      uint64_t now_ms) {
  Client client;
  client.id = id;
  client.session = session;
  client.heard_ms = now_ms;
  idle_.push_back(std::move(client));
  const Clients::iterator added = std::prev(idle_.end());
  CHECK(by_id_.insert(added).second);
  return added;
}

void DuplicateTable::Touch(Clients::iterator client, uint64_t now_ms) {
  client->heard_ms = now_ms;
  if (client->running == 0) idle_.splice(idle_.end(), idle_, client);
}

void DuplicateTable::Discard(Client& client, uint64_t seen_up_to) {
  if (seen_up_to <= client.seen_up_to) return;
  client.seen_up_to = seen_up_to;
  for (auto call = client.calls.begin(); call != client.calls.end() && call->first <= seen_up_to;) {
    if (!call->second.has_value()) {
      ++call;
      continue;
    }
    reply_bytes_ -= BytesOf(*call->second);
    --replies_;
    call = client.calls.erase(call);
  }
}

void DuplicateTable::Keep(Client& client, uint64_t sequence, CallReply reply) {
  reply_bytes_ += BytesOf(reply);
  ++replies_;
  client.calls[sequence] = std::move(reply);
}

void DuplicateTable::ForgetSilent(uint64_t now_ms) {
  for (int i = 0; i < kForgottenAtOnceMax && !idle_.empty(); ++i) {
    if (!IsSilent(idle_.front(), now_ms)) return;
    Forget(idle_.begin());
  }
}

bool DuplicateTable::IsSilent(const Client& client, uint64_t now_ms) const {
  return client.running == 0 && now_ms - client.heard_ms > options_.lease_ms;
}

void DuplicateTable::Forget(Clients::iterator idle) {
  Discard(*idle, UINT64_MAX);
  forgotten_.push_back(idle->id);
  by_id_.erase(idle);
  idle_.erase(idle);
}

}  // namespace millrace
