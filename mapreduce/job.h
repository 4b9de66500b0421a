// What a job computes: built in `main`, handed to the launcher, nothing registered anywhere.
//
//   millrace::JobDescription job;
//   job.name = "wordcount";
//   job.mapper = [] { return std::make_unique<WordMapper>(); };
//   job.aggregate = millrace::Aggregate::kSum;
//
// Where the data lies, how many parts it has and on which machines it runs are flags of the job's
// binary (see client/launcher.h), not part of the description.
#ifndef MILLRACE_MAPREDUCE_JOB_H_
#define MILLRACE_MAPREDUCE_JOB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "mapreduce/mapper.h"
#include "mapreduce/output_shape.h"
#include "mapreduce/partitioner.h"
#include "mapreduce/record_shape.h"
#include "mapreduce/reducer.h"

namespace millrace {

// A fold over 64-bit integers that the engine performs itself, in a hash table, as pairs are
// emitted: no virtual call a record, and no sort of every pair. Sums wrap around at 64 bits.
enum class Aggregate : uint8_t {
  kNone = 0,   // values are byte strings and go to the reducer
  kSum = 1,    // the sum of the values
  kMin = 2,    // the smallest
  kMax = 3,    // the largest
  kCount = 4,  // how many values there were
  kBitOr = 5,  // all bits that any value has
};

// A file of the client's that goes with a job to wherever it runs.
struct SideFile {
  std::string path;  // absolute
  std::string name;  // under which it is found there, in the folder MILLRACE_FILES
};

struct JobDescription {
  std::string name;  // as NameFor gives it

  // Factories: each attempt gets objects of its own. `mapper` is required.
  std::function<std::unique_ptr<Mapper>()> mapper;

  // May be left out: then the output is every pair, in the order of the keys, or with an aggregate
  // every key and its total.
  std::function<std::unique_ptr<Reducer>()> reducer;

  // Optional, without an aggregate: folds values of one key on the map side. It may run any number
  // of times over any neighbouring values, so it must be associative and must emit the same key.
  std::function<std::unique_ptr<Reducer>()> combiner;

  // Whether the combiner may write the pairs of a key later than in the Reduce of it, up to Finish,
  // but in the order of keys. There is then a new one for each sorted partition, which gets Finish.
  bool combiner_lags = false;

  // Optional; by default a fixed hash of the key.
  std::function<std::unique_ptr<Partitioner>()> partitioner;

  // Parts that follow each other in the order of keys: all parts in the order of their names are
  // one sorted sequence. Where a part begins is chosen from a sample of the input, taken when the
  // job is submitted: the mapper runs on pieces of the input in the client, too.
  bool total_order = false;

  Aggregate aggregate = Aggregate::kNone;

  // The order of a key's values, which is else that of (split, position): their byte order.
  bool sort_values = false;
  // A pair is seen as the record `key TAB value`, and its first fields, divided by tabs, are the
  // key that partitioner and reducer see; what is left is the value. 0: pairs are left as they are.
  uint32_t key_fields = 0;
  // With key_fields: values come in the order of the record's fields up to this one, field by field
  // in byte order, and in (split, position) order where these are equal. A field that a record does
  // not have comes before an empty one. 0: values are not ordered by fields.
  uint32_t sort_fields = 0;
  // `--sort_values`, `--key_fields` and `--sort_fields`, where they are given, are put in the place
  // of these three before the job runs.
  bool is_ordered() const { return sort_values || key_fields > 0 || sort_fields > 0; }

  // How records lie in the input. `--input_format` and `--record_bytes`, where they are given, are
  // put in its place before the job runs.
  RecordShape input;
  // How the output is written. `--output_format` and its kin are put in its place, where they are
  // given; kLikeInput is never left when the job runs.
  OutputShape output;
  // With an aggregate: the totals of a map task become byte strings (Mapper::ValueOfTotal) before
  // they are sorted and sent on. The reducer, which is needed then, gets one such value of each map
  // task for each key, or a few.
  bool totals_become_values = false;
  // Whether what reaches a reducer is a total.
  bool reduces_totals() const { return aggregate != Aggregate::kNone && !totals_become_values; }
  // Patterns as in `--input`, which is not asked for then: inputs that differ in kind, read in this
  // order. MapInput::input() says to which of them a file belongs.
  std::vector<std::string> inputs;
  // What maps give may be used again by later jobs on the same cluster (--reuse). By default that
  // is done for maps of the same binary whose job has the same flags. An author who knows better
  // says what the mapper, the combiner and the partitioner depend on: a version that stands for
  // their code, and the parameters that they see; whatever is not among them is the reducer's
  // alone.
  std::string map_version;
  std::optional<std::vector<std::string>> map_parameters;
  // Whether a map that reads the same gives the same. If not, its output is never used again.
  bool deterministic = true;

  // Whether `--reducers=0` (a map-only job, one part a map task) has a meaning here.
  bool allows_map_only = false;

  // Sent to each worker once, by content: what attempts see is what the files held when the job was
  // submitted. At most 100, and of one name only one, in a chain as a whole.
  std::vector<SideFile> side_files;

  // Optional: called by the client alone, before anything starts, for what cannot be checked where
  // executors run. An error is shown to the person.
  std::function<absl::Status()> check;

  // Whether the job has nothing to reduce, so that `--reducers=0` is its only meaning and its
  // default. It has a mapper and nothing else.
  bool map_only = false;

  // Chains. The job whose output is the input of this one: its pairs arrive as they were emitted,
  // part by part, and are kept nowhere. `--input` and how it is read are then about the first job
  // of the chain, `--output` and how it is written about the last.
  std::shared_ptr<const JobDescription> after;
  // How many parts it has, where that is no choice of the person's: the order of all records, say,
  // needs one. `--reducers` is for the other jobs of the chain.
  std::optional<uint32_t> reducers;

  // Whether the mapper asks for MapInput::FirstLine, or for places in the file (OffsetOf) that mean
  // something beyond the attempt. Then a compressed file is not cut, for nobody knows how much lies
  // before a piece of one.
  bool counts_lines = false;
};

// Names appear in messages, file names and tables: letters, digits, '_', '-' and '.', at most so
// many.
constexpr size_t kJobNameMax = 100;
// The name of a job that people call `title`: all that a name cannot have becomes '_'.
std::string NameFor(std::string_view title);

// The jobs of the chain that ends with `job`, first to last, each without the one before it.
std::vector<JobDescription> ChainOf(const JobDescription& job);

// The side files of all jobs of a chain, each once: their attempts find them in one folder.
std::vector<SideFile> SideFilesOf(const std::vector<JobDescription>& chain);

// A chain has at most so many jobs.
constexpr size_t kChainMax = 16;

// Says what is missing or contradictory, in the words of a job author.
absl::Status Validate(const JobDescription& job);
absl::Status Validate(const std::vector<JobDescription>& chain);

}  // namespace millrace

#endif  // MILLRACE_MAPREDUCE_JOB_H_
