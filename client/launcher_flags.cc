#include "client/launcher_flags.h"

#include <gflags/gflags.h>

#include "absl/strings/str_cat.h"
#include "storage/paths.h"

DEFINE_string(input, "",
              "P[,P...]: files, folders (recursive; names that begin with _ or . are skipped), "
              "patterns with *, ? and **, or @FILE, which lists paths line by line. A file that "
              "is named more than once is read once.");
DEFINE_string(input_format, "auto",
              "lines: one record a line; nul: records end with a NUL byte; fixed: records of "
              "--record_bytes each; whole_file: one record a file; key_value: what "
              "--output_format=key_value wrote; auto: as the job says, mostly lines.");
DEFINE_string(record_bytes, "", "Size of each record in bytes; means --input_format=fixed.");
DEFINE_string(input_compression, "auto",
              "auto: files whose names end with .gz or .zst are decompressed (gzip as one piece, "
              "zstd in pieces of whole frames); none: every file is read as it is.");
DEFINE_string(split_mb, "64", "Largest piece of input that one map task gets, in MiB.");

DEFINE_string(output, "", "Folder for the parts; must not exist or be empty.");
DEFINE_bool(overwrite, false,
            "Replace what the output folder holds, at the moment when the new job publishes.");
DEFINE_string(output_format, "auto",
              "text: key, tab, value, line end; nul: the same with a NUL at the end; key_value: "
              "pairs of any bytes, for --input_format=key_value; records: keys and values "
              "one after the other with nothing between them; auto: as the job says, mostly text.");
DEFINE_bool(escape_output, false,
            "Write tab, line end, carriage return, NUL and backslash in keys and values as \\t, "
            "\\n, \\r, \\0 and \\\\. Without it a key or value that would read as something else "
            "fails the job.");
DEFINE_string(output_compression, "none", "none, or zstd: parts are compressed, named .zst.");
DEFINE_string(reducers, "auto",
              "Parts of the output, 1 to 99999; auto: 8 for each slot, but no more than one for "
              "16 MiB of input; 0: map only, for jobs that have this meaning, and the default of "
              "those that have no other.");

DEFINE_bool(sort_values, false,
            "The values of a key come in byte order instead of that of the input; without a "
            "reducer the output is sorted by key, then value.");
DEFINE_string(key_fields, "0",
              "M: what the mapper emits is seen as the record key, tab, value, and its first M "
              "fields, divided by tabs, are the key, the rest the value; 0: pairs stay as they "
              "are.");
DEFINE_string(sort_fields, "0",
              "N, with --key_fields=M: the values of a key come in the order of the record's "
              "fields M+1 to N, each by its bytes, and else in that of the input; 0: always in "
              "that of the input.");

DEFINE_string(workers, "",
              "N: run on a local cluster of N worker processes with one slot each, for this job "
              "alone (without --master the default, one per core); inline: run everything in "
              "this process, for a debugger.");
DEFINE_string(scratch_dir, "", "Folder for a local cluster's files; empty: $TMPDIR, else /tmp.");
DEFINE_string(master, "", "HOST:PORT of a running cluster's master: submit the job to it.");
DEFINE_string(connect_timeout, "10s", "How long an unreachable or busy master is tried.");
DEFINE_bool(detach, false,
            "Return when the job is accepted, with its id on standard output. Without it the "
            "first Ctrl-C cancels the job.");
DEFINE_bool(dry_run, false,
            "Say what the job would do (input, tasks, what cannot be cut, warnings), on standard "
            "output, and end.");
DEFINE_string(cluster_key_file, "",
              "File with the cluster's key, mode 0600; needed beyond this machine.");
DEFINE_bool(insecure, false, "Go without a key beyond this machine.");

DEFINE_string(max_attempts, "4", "How often the user code of one task may fail, 1 to 1000.");
DEFINE_string(speculation, "auto",
              "auto: an attempt that is much slower than others, or stands still, gets a backup on "
              "another worker, and the first to be done counts; off: no backups.");
DEFINE_string(speculation_floor, "10s", "No attempt gets a backup before it has run for so long.");
DEFINE_string(progress_timeout, "10m",
              "An attempt that for so long neither reads, nor reduces, nor merges a record is "
              "stopped and tried again; after --max_attempts of them the job fails.");
DEFINE_string(skip_bad_records, "0",
              "How many records of the input the job may leave out, 0 to 1000, because the mapper "
              "fails at them again and again; OUTPUT/_skipped then lists them. Without effect on "
              "--workers=inline, where the first failure ends the job.");
DEFINE_string(shuffle, "auto",
              "auto: map outputs on the same host are read in place; network: always through the "
              "shuffle server.");
DEFINE_string(keep_intermediate, "",
              "Folder that every host sees at this path: map outputs are written there, synced, "
              "instead of to the worker's own disk, so that a lost worker costs no finished map. "
              "What the job put there goes when it ends. Empty: off. Without effect on "
              "--workers=inline, which has no worker to lose.");
DEFINE_string(reuse, "auto",
              "auto: a map of the same program, with the same flags and input, that a running "
              "cluster has run before does not run again: its output is used again, if it is still "
              "there; off: take none and leave none. A local cluster ends with its job and has "
              "nothing to use again.");
DEFINE_string(
    task_memory_mb, "512",
    "Anonymous memory of one executor, in MiB, 64 or more. One line of input, and one key with "
    "its value, may have an eighth of it, at most 64 MiB.");

DEFINE_string(progress, "auto",
              "bar, plain, json or none, on standard error; auto: a bar on a terminal, plain "
              "lines elsewhere.");
DEFINE_bool(profile, false,
            "Say at the end where the CPU time and the bytes went, by phase (read, map, aggregate, "
            "sort, spill, shuffle, merge, reduce, write, control) and how long slots waited.");
DEFINE_string(output_merged, "",
              "File that gets all parts, one after the other, when the job has succeeded; what "
              "is compressed stays so if the name ends with .zst.");
DEFINE_string(summary_json, "", "File for what happened, as JSON.");
DEFINE_string(joblog, "", "File for one tab-separated line per attempt.");

namespace millrace {

Program JobProgram(const Usage& usage, const std::string& path) {
  Program program;
  program.name = std::string(BaseName(path));
  program.summary = usage.summary;
  program.synopsis =
      absl::StrCat(usage.required, usage.required.empty() ? "" : " ",
                   usage.takes_input ? "--input=P[,P...] " : "", "--output=DIR [flags]");
  if (!usage.flags.empty()) program.groups.push_back({"Job flags", usage.flags});
  if (!usage.takes_input) program.groups.push_back({kHiddenGroup, {"input"}});
  program.groups.push_back(
      {"Input", {"input_format", "record_bytes", "input_compression", "split_mb"}});
  if (usage.takes_input) {
    std::vector<std::string>& flags = program.groups.back().flags;
    flags.insert(flags.begin(), "input");
  }
  program.groups.push_back({"Output",
                            {"output", "overwrite", "reducers", "output_format", "escape_output",
                             "output_compression", "output_merged"}});
  program.groups.push_back(
      {"Order of the values of a key", {"sort_values", "key_fields", "sort_fields"}});
  program.groups.push_back({"Where it runs",
                            {"workers", "scratch_dir", "master", "connect_timeout", "detach",
                             "dry_run", "cluster_key_file", "insecure"}});
  program.groups.push_back(
      {"Limits",
       {"max_attempts", "skip_bad_records", "speculation", "speculation_floor", "progress_timeout",
        "shuffle", "keep_intermediate", "reuse", "task_memory_mb"}});
  program.groups.push_back({"Reports", {"progress", "profile", "summary_json", "joblog"}});
  program.examples = usage.examples;
  if (program.examples.empty()) {
    const std::string& name = program.name;
    program.examples = {
        absl::StrCat(name, " --input=/usr/share/common-licenses --output=/tmp/out"),
        absl::StrCat(name, " --input='logs/**/*.txt' --output=out --workers=4 --reducers=8"),
        absl::StrCat(name, " --master=127.0.0.1:7070 --input=@files --output=/shared/out --detach"),
    };
  }
  return program;
}

JobFlags GivenJobFlags() {
  JobFlags flags;
  flags.input = FLAGS_input;
  flags.output = FLAGS_output;
  flags.overwrite = FLAGS_overwrite;
  flags.reducers = FLAGS_reducers;
  flags.split_mb = FLAGS_split_mb;
  flags.input_format = FLAGS_input_format;
  flags.record_bytes = FLAGS_record_bytes;
  flags.input_compression = FLAGS_input_compression;
  flags.output_format = FLAGS_output_format;
  flags.escape_output = FLAGS_escape_output;
  flags.output_compression = FLAGS_output_compression;
  flags.sort_values = FLAGS_sort_values;
  flags.key_fields = FLAGS_key_fields;
  flags.sort_fields = FLAGS_sort_fields;
  flags.workers = FLAGS_workers;
  flags.master = FLAGS_master;
  flags.connect_timeout = FLAGS_connect_timeout;
  flags.detach = FLAGS_detach;
  flags.dry_run = FLAGS_dry_run;
  flags.max_attempts = FLAGS_max_attempts;
  flags.speculation = FLAGS_speculation;
  flags.speculation_floor = FLAGS_speculation_floor;
  flags.progress_timeout = FLAGS_progress_timeout;
  flags.skip_bad_records = FLAGS_skip_bad_records;
  flags.shuffle = FLAGS_shuffle;
  flags.keep_intermediate = FLAGS_keep_intermediate;
  flags.reuse = FLAGS_reuse;
  flags.task_memory_mb = FLAGS_task_memory_mb;
  flags.scratch_dir = FLAGS_scratch_dir;
  flags.cluster_key_file = FLAGS_cluster_key_file;
  flags.progress = FLAGS_progress;
  flags.profile = FLAGS_profile;
  flags.output_merged = FLAGS_output_merged;
  flags.summary_json = FLAGS_summary_json;
  flags.joblog = FLAGS_joblog;
  return flags;
}

std::vector<std::string> GivenFlagsOf(const Usage& usage) {
  std::vector<std::string> values;
  for (const std::string& name : usage.flags) {
    std::string value;
    gflags::GetCommandLineOption(name.c_str(), &value);
    values.push_back(absl::StrCat(name, "=", value));
  }
  return values;
}

bool GivenInsecure() { return FLAGS_insecure; }

}  // namespace millrace
