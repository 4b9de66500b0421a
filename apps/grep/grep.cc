// Prints the lines of files that match a regular expression, with their numbers.
//
//   grep --pattern='spin_lock_irq(save)?\(' --input=/usr/src/linux --output=/tmp/out
#include <gflags/gflags.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "apps/grep/grep_mapper.h"
#include "apps/grep/line_matcher.h"
#include "client/launcher.h"
#include "mapreduce/job.h"

DEFINE_string(
    pattern, "",
    "The regular expression to look for, in Perl's syntax (PCRE2). Each line is looked at "
    "alone, without its end, as UTF-8; bytes that are none match nothing, not even a dot. "
    "An empty pattern matches every line.");
DEFINE_bool(ignore_case, false, "Whether upper and lower case are the same.");
DEFINE_bool(invert_match, false, "Print the lines that do not match.");
DECLARE_string(input_format);
DECLARE_string(record_bytes);

namespace {

// Records of other kinds may hold many lines, or end in the middle of one.
absl::Status CheckInputIsText() {
  const std::string& format = FLAGS_input_format;
  const bool fixed = !FLAGS_record_bytes.empty();
  if (!fixed && format != "fixed" && format != "nul" && format != "key_value") {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(fixed ? "--record_bytes=" + FLAGS_record_bytes : "--input_format=" + format,
                   ": grep prints lines, which are in --input_format=lines and whole_file only"));
}

absl::StatusOr<millrace::JobDescription> Describe() {
  if (gflags::GetCommandLineFlagInfoOrDie("pattern").is_default) {
    return absl::InvalidArgumentError(
        "--pattern is missing: say what to look for, --pattern=REGEX");
  }
  if (absl::Status text = CheckInputIsText(); !text.ok()) return text;
  const millrace::LinePattern pattern{FLAGS_pattern, FLAGS_ignore_case};
  if (const auto tried = millrace::LineMatcher::Make(pattern); !tried.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--pattern: ", tried.status().message()));
  }
  millrace::JobDescription job;
  job.name = "grep";
  job.map_only = true;
  job.counts_lines = true;
  job.mapper = [pattern] {
    return std::make_unique<millrace::GrepMapper>(*millrace::LineMatcher::Make(pattern),
                                                  FLAGS_invert_match);
  };
  return job;
}

}  // namespace

int main(int argc, char** argv) {
  millrace::Usage usage;
  usage.summary =
      "Prints the lines that match a regular expression. Each part of the output holds lines "
      "file:line-number<TAB>line, in the order of the input.";
  usage.required = "--pattern=REGEX";
  usage.flags = {"pattern", "ignore_case", "invert_match"};
  usage.examples = {
      "grep --pattern='^#include' --input='src/**/*.cc' --output=/tmp/includes",
      "grep --pattern='error [0-9]+' --ignore_case --input=/var/log --output=out --workers=4",
      "grep --pattern='^#' --invert_match --master=127.0.0.1:7070 --input=etc --output=/shared/out",
  };
  return millrace::Main(argc, argv, usage, Describe);
}
