#include "client/map_identity.h"

#include "storage/fields_digest.h"

namespace millrace {
namespace {

// Grows when maps of this version of Millrace may give something else than those before.
constexpr uint64_t kEngineVersion = 2;

void AddAll(const std::vector<std::string>& texts, FieldsDigest* fields) {
  fields->Add(uint64_t{texts.size()});
  for (const std::string& text : texts) fields->Add(text);
}

}  // namespace

Digest MapIdentity(const JobDescription& job, const JobSpec& spec,
                   const std::vector<std::string>& flags) {
  FieldsDigest fields;
  fields.Add(kEngineVersion);
  fields.Add(job.name);  // a binary may hold several jobs, and a version is one of a job
  if (job.map_version.empty()) {
    fields.Add(spec.binary.sha256);
  } else {
    fields.Add("version");
    fields.Add(job.map_version);
  }
  fields.Add(uint64_t{spec.side_files.size()});
  for (const JobBinary& file : spec.side_files) {
    fields.Add(file.name);
    fields.Add(file.sha256);
    fields.Add(uint64_t{file.executable});
  }
  AddAll(job.map_parameters.value_or(flags), &fields);
  fields.Add(static_cast<uint64_t>(job.aggregate));
  fields.Add(uint64_t{job.totals_become_values});
  fields.Add(static_cast<uint64_t>(job.input.format));
  fields.Add(uint64_t{job.input.record_bytes});
  fields.Add(uint64_t{job.combiner != nullptr});
  fields.Add(uint64_t{job.partitioner != nullptr});
  fields.Add(uint64_t{job.sort_values});
  fields.Add(uint64_t{job.key_fields});
  fields.Add(uint64_t{job.sort_fields});
  AddAll(spec.environment, &fields);
  fields.Add(spec.task_memory_bytes);  // bounds the length of a record
  return fields.Finish();
}

}  // namespace millrace
