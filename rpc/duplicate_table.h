// Which calls of which clients have been executed, and what was replied: the memory of a server
// that runs a call once.
//
// A call is known by client and sequence. It is executed when nothing is known of it and the client
// does not say that it has seen the reply; so what the client has seen can be forgotten, and a late
// copy of it is stale. A client of which nothing was heard for longer than its lease is forgotten
// as a whole, with its session, and sessions are never given again: a copy that comes after that is
// told so, and is not executed either. A client with a call under way is never forgotten.
//
// What is remembered is bounded: by the calls that are under way or whose replies were not seen,
// for each client, and by clients and by bytes of replies in all.
//
// A deterministic state machine: no I/O, no clock, no promises. `now_ms` never goes back.
#ifndef MILLRACE_RPC_DUPLICATE_TABLE_H_
#define MILLRACE_RPC_DUPLICATE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "rpc/call_types.h"

namespace millrace {

struct DuplicateTableOptions {
  uint64_t lease_ms = 60'000;
  // Of one client, under way or replied to and not seen yet.
  size_t max_unseen_per_client = 4096;
  size_t max_clients = 1'000'000;
  size_t max_running = 100'000;
  // Of all replies that are kept, with what it takes to keep them.
  size_t max_reply_bytes = 256u << 20;
  // Sessions are numbered from here. Two tables that a client may take for each other, as those of
  // two starts of one server, number theirs differently.
  uint64_t first_session = 1;
};

class DuplicateTable {
 public:
  enum class Verdict {
    kExecute,  // and say Finish with the reply
    kWait,     // it is under way: the same question again when it has finished
    kReply,    // it was executed
    kStale,    // the client has seen the reply, or never makes such a call
    kExpired,  // the session is no longer known, or never was
    kTooMany,  // not executed for now; once there is room it may be
  };

  struct Answer {
    Verdict verdict = Verdict::kExecute;
    const CallReply* reply = nullptr;  // of kReply, until the table is changed
  };

  explicit DuplicateTable(const DuplicateTableOptions& options);

  // The session of this client, which begins if there is none. 0: there are too many clients.
  uint64_t Open(const ClientId& client, uint64_t now_ms);

  // Takes back a client that an earlier table had, with a whole lease. Before anything else.
  void Restore(const ClientRecord& record, uint64_t now_ms);

  // What is to be done with a call that has arrived.
  Answer Admit(const CallHeader& header, uint64_t now_ms);

  // A call that was to be executed has been, with this reply.
  void Finish(const CallHeader& header, CallReply reply, uint64_t now_ms);

  // Clients that were forgotten since this was last asked: Open and Admit forget a few at most.
  // Somebody has to ask, or the list grows.
  std::vector<ClientId> TakeForgotten();

  size_t clients() const { return idle_.size() + busy_.size(); }
  // That are kept.
  size_t replies() const { return replies_; }
  // Under way.
  size_t running() const { return running_; }

 private:
  // By sequence. Without a reply: under way.
  using Calls = absl::btree_map<uint64_t, std::optional<CallReply>>;

  struct Client {
    ClientId id;
    uint64_t session = 0;
    uint64_t seen_up_to = 0;
    uint64_t heard_ms = 0;
    Calls calls;
    uint32_t running = 0;
  };
  using Clients = std::list<Client>;

  struct ById {
    using is_transparent = void;
    static const ClientId& Id(const ClientId& id) { return id; }
    static const ClientId& Id(Clients::iterator client) { return client->id; }
    template <typename T>
    size_t operator()(const T& value) const {
      return absl::Hash<ClientId>()(Id(value));
    }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Id(a) == Id(b);
    }
  };

  Clients::iterator Add(const ClientId& id, uint64_t session, uint64_t now_ms);
  void Touch(Clients::iterator client, uint64_t now_ms);
  void Discard(Client& client, uint64_t seen_up_to);
  void Keep(Client& client, uint64_t sequence, CallReply reply);
  void ForgetSilent(uint64_t now_ms);
  bool IsSilent(const Client& client, uint64_t now_ms) const;
  void Forget(Clients::iterator idle);

  const DuplicateTableOptions options_;
  uint64_t next_session_;
  // Those with nothing under way, the longest silent one first; and the rest.
  Clients idle_;
  Clients busy_;
  absl::flat_hash_set<Clients::iterator, ById, ById> by_id_;
  std::vector<ClientId> forgotten_;
  size_t replies_ = 0;
  size_t reply_bytes_ = 0;
  size_t running_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_RPC_DUPLICATE_TABLE_H_
