#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "rpc/sha256.h"
#include "rpc/wire.h"
#include "rpc/wire_fields.h"

namespace millrace {
namespace {

using capnp::uint;
using capnp::word;

JobBinary JobBinaryFrom(capnp_types::JobBinary::Reader in, FieldReader& fields) {
  JobBinary binary;
  binary.path = fields.Path("path", in.getPath());
  binary.sha256 = fields.Text("sha256", in.getSha256(), kMaxNameBytes);
  fields.Require(IsSha256Hex(binary.sha256), "sha256", "not 64 hexadecimal digits");
  binary.size = in.getSize();
  binary.mtime_ns = in.getMtimeNs();
  binary.inode = in.getInode();
  binary.host_id = fields.Text("hostId", in.getHostId(), kMaxNameBytes);
  if (in.getName().size() > 0) binary.name = fields.FileName("name", in.getName());
  binary.executable = !in.getNoProgram();
  fields.Require(binary.size > 0 || binary.is_side_file(), "size", "zero");
  return binary;
}

absl::StatusOr<JobBinary> ReadJobBinary(capnp_types::JobBinary::Reader in) {
  return ReadMessage("JobBinary", in, JobBinaryFrom);
}

std::vector<JobBinary> SideFiles(capnp::List<capnp_types::JobBinary>::Reader in,
                                 FieldReader& fields) {
  auto files = fields.NestedList<JobBinary, capnp_types::JobBinary>("sideFiles", in, kMaxSideFiles,
                                                                    ReadJobBinary);
  std::set<std::string> names;
  for (const JobBinary& file : files) {
    fields.Require(file.is_side_file(), "sideFiles", "one without a name");
    fields.Require(names.insert(file.name).second, "sideFiles", "two of the same name");
  }
  return files;
}

std::vector<std::string> SomeArguments(capnp::List<capnp::Text>::Reader in, FieldReader& fields) {
  fields.Require(in.size() > 0, "argv", "missing");
  return fields.Arguments("argv", in);
}

std::vector<std::string> SplitKeys(capnp::List<capnp::Data>::Reader in, uint32_t reducers,
                                   FieldReader& fields) {
  std::vector<std::string> keys;
  if (in.size() == 0) return keys;
  fields.Require(uint64_t{in.size()} + 1 == reducers, "splitKeys", "not one less than the parts");
  for (auto key : in) keys.push_back(ReadBytes(key));
  fields.Require(std::is_sorted(keys.begin(), keys.end()), "splitKeys", "not ascending");
  return keys;
}

StepSpec StepSpecFrom(capnp_types::StepSpec::Reader in, FieldReader& fields) {
  StepSpec step;
  step.name = fields.SomeText("name", in.getName(), kMaxNameBytes);
  step.reducers = fields.Number("reducers", in.getReducers(), 1, kMaxReducers);
  return step;
}

absl::StatusOr<StepSpec> ReadStepSpec(capnp_types::StepSpec::Reader in) {
  return ReadMessage("StepSpec", in, StepSpecFrom);
}

JobSpec JobSpecFrom(capnp_types::JobSpec::Reader in, FieldReader& fields) {
  JobSpec spec;
  spec.name = fields.SomeText("name", in.getName(), kMaxNameBytes);
  spec.request_id = fields.SomeText("requestId", in.getRequestId(), kMaxNameBytes);
  spec.binary = fields.Nested("binary", ReadJobBinary(in.getBinary()));
  spec.side_files = SideFiles(in.getSideFiles(), fields);
  spec.argv = SomeArguments(in.getArgv(), fields);
  spec.environment = fields.Environment("environment", in.getEnvironment());
  spec.input_format = fields.Enum<InputFormat>("inputFormat", in.getInputFormat());
  spec.split_bytes = in.getSplitBytes();
  fields.Require(spec.split_bytes > 0, "splitBytes", "zero");
  spec.reducers = fields.Number("reducers", in.getReducers(), 0, kMaxReducers);
  const bool is_chain = in.getBefore().size() > 0;
  const uint32_t first_reducers = is_chain ? in.getBefore()[0].getReducers() : spec.reducers;
  spec.split_keys = SplitKeys(in.getSplitKeys(), first_reducers, fields);
  spec.part_suffix = fields.Text("partSuffix", in.getPartSuffix(), kMaxNameBytes);
  fields.Require(spec.part_suffix.empty() || spec.part_suffix == ".zst", "partSuffix", "unknown");
  spec.aggregated = in.getAggregated();
  spec.output_folder = fields.Path("outputFolder", in.getOutputFolder());
  spec.overwrite = in.getOverwrite();
  spec.max_attempts = fields.Number("maxAttempts", in.getMaxAttempts(), 1, kMaxMaxAttempts);
  spec.speculation_floor_ms = in.getSpeculationFloorMs();
  spec.progress_timeout_ms = in.getProgressTimeoutMs();
  spec.skip_bad_records =
      fields.Number("skipBadRecords", in.getSkipBadRecords(), 0, kMaxSkippedRecords);
  spec.shuffle = fields.Enum<ShuffleMode>("shuffle", in.getShuffle());
  spec.task_memory_bytes = in.getTaskMemoryBytes();
  fields.Require(in.getInputCount() <= kMaxInputFiles, "inputCount", "too many files");
  if (in.getKeepFolder().size() > 0) {
    spec.keep_folder = fields.Path("keepFolder", in.getKeepFolder());
  }
  if (in.hasMapIdentity()) {
    spec.map_identity = fields.Nested("mapIdentity", ReadDigest(in.getMapIdentity()));
  }
  spec.before = fields.NestedList<StepSpec, capnp_types::StepSpec>("before", in.getBefore(),
                                                                   kMaxStepsBefore, ReadStepSpec);
  spec.profile = in.getProfile();
  return spec;
}

// The jobs of a chain get requests of their own: "/" and a number behind that of the client.
constexpr size_t kStepRequestBytes = 3;
static_assert(kMaxStepsBefore <= 100, "the number has at most two digits");

// As a client sends it. What was made of it, and stored, may have used that room up.
JobSpec SubmittedJobSpecFrom(capnp_types::JobSpec::Reader in, FieldReader& fields) {
  JobSpec spec = JobSpecFrom(in, fields);
  const size_t added = spec.before.empty() ? 0 : kStepRequestBytes;
  fields.Require(spec.request_id.size() + added <= kMaxNameBytes, "requestId",
                 "too long for a chain of jobs");
  return spec;
}

JobContext JobContextFrom(capnp_types::JobContext::Reader in, FieldReader& fields) {
  JobContext context;
  context.job = fields.SomeId<JobId>("job", in.getJob());
  context.name = fields.SomeText("name", in.getName(), kMaxNameBytes);
  context.binary = fields.Nested("binary", ReadJobBinary(in.getBinary()));
  context.side_files = SideFiles(in.getSideFiles(), fields);
  context.argv = SomeArguments(in.getArgv(), fields);
  context.environment = fields.Environment("environment", in.getEnvironment());
  context.map_count = fields.Number("mapCount", in.getMapCount(), 0, kMaxTasksPerStage);
  context.reducers = fields.Number("reducers", in.getReducers(), 0, kMaxReducers);
  context.split_keys = SplitKeys(in.getSplitKeys(), context.reducers, fields);
  context.output_folder = fields.Path("outputFolder", in.getOutputFolder());
  context.staging_key = fields.FileName("stagingKey", in.getStagingKey());
  context.shuffle = fields.Enum<ShuffleMode>("shuffle", in.getShuffle());
  context.task_memory_bytes = in.getTaskMemoryBytes();
  context.nonce_path = fields.Path("noncePath", in.getNoncePath());
  context.nonce = fields.SomeText("nonce", in.getNonce(), kMaxNameBytes);
  if (in.hasProbe()) context.probe = fields.Nested("probe", ReadInputFile(in.getProbe()));
  if (in.getKeepFolder().size() > 0) {
    context.keep_folder = fields.Path("keepFolder", in.getKeepFolder());
  }
  context.step = fields.Number("step", in.getStep(), 0, kMaxStepsBefore);
  context.profile = in.getProfile();
  return context;
}

JobSpec StoredJobSpecFrom(capnp_types::StoredJobSpec::Reader in, FieldReader& fields) {
  JobSpec spec = fields.Nested("spec", ReadMessage("JobSpec", in.getSpec(), JobSpecFrom));
  spec.inputs = fields.NestedList<InputFile, capnp_types::InputFile>("inputs", in.getInputs(),
                                                                     kMaxInputFiles, ReadInputFile);
  fields.Require(in.getInputs().size() == in.getSpec().getInputCount(), "inputs",
                 "not as many files as the job has");
  return spec;
}

void Write(const JobBinary& value, capnp_types::JobBinary::Builder out) {
  out.setPath(ToText(value.path));
  out.setSha256(ToText(value.sha256));
  out.setSize(value.size);
  out.setMtimeNs(value.mtime_ns);
  out.setInode(value.inode);
  out.setHostId(ToText(value.host_id));
  out.setName(ToText(value.name));
  out.setNoProgram(!value.executable);
}

void WriteSideFiles(const std::vector<JobBinary>& files,
                    capnp::List<capnp_types::JobBinary>::Builder out) {
  for (uint i = 0; i < out.size(); ++i) Write(files[i], out[i]);
}

absl::StatusOr<JobSpec> DecodeWords(kj::ArrayPtr<const word> words) {
  capnp::ReaderOptions options;
  // These are our own bytes, read once; a long list of files must not hit a limit meant for
  // strangers. Lists of structs and the texts in them are counted once each.
  options.traversalLimitInWords = 2 * words.size() + 1024;
  absl::StatusOr<JobSpec> spec = absl::InvalidArgumentError("no job");
  kj::Maybe<kj::Exception> malformed = kj::runCatchingExceptions([&]() {
    capnp::FlatArrayMessageReader reader(words, options);
    if (reader.getEnd() != words.end()) return;
    spec = ReadMessage("StoredJobSpec", reader.getRoot<capnp_types::StoredJobSpec>(),
                       StoredJobSpecFrom);
  });
  KJ_IF_MAYBE (e, malformed) return absl::InvalidArgumentError(e->getDescription().cStr());
  return spec;
}

}  // namespace

absl::StatusOr<JobSpec> ReadJobSpec(capnp_types::JobSpec::Reader in) {
  return ReadMessage("JobSpec", in, SubmittedJobSpecFrom);
}

absl::StatusOr<JobContext> ReadJobContext(capnp_types::JobContext::Reader in) {
  return ReadMessage("JobContext", in, JobContextFrom);
}

void Write(const JobSpec& value, capnp_types::JobSpec::Builder out) {
  out.setName(ToText(value.name));
  out.setRequestId(ToText(value.request_id));
  Write(value.binary, out.initBinary());
  WriteSideFiles(value.side_files, out.initSideFiles(static_cast<uint>(value.side_files.size())));
  WriteTexts(value.argv, out.initArgv(static_cast<uint>(value.argv.size())));
  WriteTexts(value.environment, out.initEnvironment(static_cast<uint>(value.environment.size())));
  out.setInputFormat(static_cast<uint8_t>(value.input_format));
  out.setSplitBytes(value.split_bytes);
  out.setReducers(value.reducers);
  out.setAggregated(value.aggregated);
  out.setOutputFolder(ToText(value.output_folder));
  out.setOverwrite(value.overwrite);
  out.setMaxAttempts(value.max_attempts);
  out.setSpeculationFloorMs(value.speculation_floor_ms);
  out.setProgressTimeoutMs(value.progress_timeout_ms);
  out.setSkipBadRecords(value.skip_bad_records);
  out.setShuffle(static_cast<uint8_t>(value.shuffle));
  out.setTaskMemoryBytes(value.task_memory_bytes);
  out.setInputCount(value.inputs.size());
  out.setPartSuffix(ToText(value.part_suffix));
  out.setKeepFolder(ToText(value.keep_folder));
  WriteBytes(value.split_keys, out.initSplitKeys(static_cast<uint>(value.split_keys.size())));
  if (value.map_identity.has_value()) Write(*value.map_identity, out.initMapIdentity());
  auto before = out.initBefore(static_cast<uint>(value.before.size()));
  for (size_t i = 0; i < value.before.size(); ++i) {
    before[i].setName(ToText(value.before[i].name));
    before[i].setReducers(value.before[i].reducers);
  }
  out.setProfile(value.profile);
}

void Write(const JobContext& value, capnp_types::JobContext::Builder out) {
  out.setJob(value.job.value());
  out.setName(ToText(value.name));
  Write(value.binary, out.initBinary());
  WriteSideFiles(value.side_files, out.initSideFiles(static_cast<uint>(value.side_files.size())));
  WriteTexts(value.argv, out.initArgv(static_cast<uint>(value.argv.size())));
  WriteTexts(value.environment, out.initEnvironment(static_cast<uint>(value.environment.size())));
  out.setMapCount(value.map_count);
  out.setReducers(value.reducers);
  out.setOutputFolder(ToText(value.output_folder));
  out.setStagingKey(ToText(value.staging_key));
  out.setShuffle(static_cast<uint8_t>(value.shuffle));
  out.setTaskMemoryBytes(value.task_memory_bytes);
  out.setNoncePath(ToText(value.nonce_path));
  out.setNonce(ToText(value.nonce));
  if (value.probe.has_value()) Write(*value.probe, out.initProbe());
  out.setKeepFolder(ToText(value.keep_folder));
  WriteBytes(value.split_keys, out.initSplitKeys(static_cast<uint>(value.split_keys.size())));
  out.setStep(value.step);
  out.setProfile(value.profile);
}

std::string EncodeJobSpec(const JobSpec& spec) {
  capnp::MallocMessageBuilder message;
  auto stored = message.initRoot<capnp_types::StoredJobSpec>();
  Write(spec, stored.initSpec());
  auto inputs = stored.initInputs(static_cast<uint>(spec.inputs.size()));
  for (size_t i = 0; i < spec.inputs.size(); ++i) Write(spec.inputs[i], inputs[i]);
  const kj::Array<word> words = capnp::messageToFlatArray(message);
  const auto bytes = words.asChars();
  return std::string(bytes.begin(), bytes.size());
}

absl::StatusOr<JobSpec> DecodeJobSpec(std::string_view bytes) {
  if (bytes.size() % sizeof(word) != 0) {
    return absl::DataLossError("stored job: its length is not a number of words");
  }
  auto words = kj::heapArray<word>(bytes.size() / sizeof(word));  // a copy, because of alignment
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  absl::StatusOr<JobSpec> spec = DecodeWords(words);
  if (!spec.ok()) {
    return absl::DataLossError(absl::StrCat("stored job: ", spec.status().message()));
  }
  return spec;
}

}  // namespace millrace
