#include "apps/streaming/hadoop_flags.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "mapreduce/status_macros.h"

namespace millrace {
namespace {

struct Entry {
  std::string_view name;
  const char* text;
};

// Hadoop's flags whose value is the next word, and ours.
constexpr Entry kRenamed[] = {
    {"-input", "input"},     {"-output", "output"},     {"-mapper", "mapper"},
    {"-reducer", "reducer"}, {"-combiner", "combiner"}, {"-partitioner", "partitioner"},
    {"-file", "file"},       {"-files", "file"},        {"-cmdenv", "cmdenv"},
    {"-D", "define"},        {"-jobconf", "define"},    {"-numReduceTasks", "reducers"},
};

// Flags that may be given many times, and what stands between their values.
constexpr Entry kLists[] = {{"input", ","}, {"file", ","}, {"cmdenv", "\n"}, {"define", "\n"}};

// What is known of Hadoop and not to be had here, with what to use instead.
constexpr Entry kUnsupported[] = {
    {"-archives", "name its files one by one with --file"},
    {"-libjars", "there is no Java here; use programs, and --file"},
    {"-cacheFile", "use --file=PATH#NAME"},
    {"-cacheArchive", "name its files one by one with --file"},
    {"-conf", "give flags, or -D NAME=VALUE"},
    {"-fs", "paths are those of the file system that all workers see"},
    {"-jt", "use --master=HOST:PORT"},
    {"-inputreader", "use --input_format=lines or whole_file"},
    {"-lazyOutput", "every part is written, also when it is empty"},
    {"-mapdebug", "see `millrace diagnose ID` and `millrace attempts ID`"},
    {"-reducedebug", "see `millrace diagnose ID` and `millrace attempts ID`"},
    {"-background", "use --detach"},
    {"-info", "use --help"},
    {"-verbose", "use --progress=plain"},
};

// How many fields a mapper's key has, and by how many of them its part is chosen.
constexpr char kKeyFields[] = "stream.num.map.output.key.fields";
constexpr char kPartitionFields[] = "num.key.fields.for.partition";
constexpr char kFieldPartitioner[] = "KeyFieldBasedPartitioner";

// A property that would change what a job computes, and what to use instead.
struct Property {
  std::string_view name;
  const char* instead;
  std::string_view same = {};  // the value that says what is so here anyway, if there is one
};

constexpr char kSeparator[] = "key, value and their fields are separated by tabs";
constexpr char kSort[] = "keys are sorted as bytes; put what to sort by in front of the key";
constexpr char kUseSplit[] = "use --split_mb";
constexpr char kText[] = "programs read and write lines of text";
constexpr char kFormats[] = "input is lines of text, or what --input_format says; output is text";
constexpr char kCompress[] = "use --output_compression=zstd";
constexpr char kGroups[] = "use --key_fields and --sort_fields";
constexpr char kNoJava[] = "there is no Java here; name a program of your own";
constexpr char kSkip[] = "use --skip_bad_records, and see what it means for programs";
constexpr char kAll[] = "a job has all of its output or none";
constexpr Property kUnsupportedProperties[] = {
    {"stream.map.output.field.separator", kSeparator},
    {"stream.map.input.field.separator", kSeparator},
    {"stream.reduce.output.field.separator", kSeparator},
    {"stream.reduce.input.field.separator", kSeparator},
    {"stream.num.reduce.output.key.fields", kSeparator},
    {"mapreduce.map.output.key.field.separator", kSeparator},
    {"map.output.key.field.separator", kSeparator},
    {"mapreduce.job.output.key.comparator.class", kSort},
    {"mapred.output.key.comparator.class", kSort},
    {"mapreduce.partition.keycomparator.options", kSort},
    {"mapred.text.key.comparator.options", kSort},
    {"mapreduce.input.lineinputformat.linespermap", kUseSplit},
    {"mapreduce.input.fileinputformat.split.maxsize", kUseSplit},
    {"mapreduce.input.fileinputformat.split.minsize", kUseSplit},
    {"mapred.line.input.format.linespermap", kUseSplit},
    {"mapred.max.split.size", kUseSplit},
    {"mapred.min.split.size", kUseSplit},
    {"mapreduce.output.textoutputformat.separator", kSeparator},
    {"mapred.textoutputformat.separator", kSeparator},
    {"mapreduce.job.output.group.comparator.class", kGroups},
    {"mapred.output.value.groupfn.class", kGroups},
    {"textinputformat.record.delimiter", "records end with a line end, or see --input_format"},
    {"stream.recordreader.class", "see --input_format"},
    {"stream.map.input", kText, "text"},
    {"stream.map.output", kText, "text"},
    {"stream.reduce.input", kText, "text"},
    {"stream.reduce.output", kText, "text"},
    {"stream.map.input.ignoreKey", "mappers read lines without their offsets", "true"},
    {"mapreduce.job.inputformat.class", kFormats, "TextInputFormat"},
    {"mapred.input.format.class", kFormats, "TextInputFormat"},
    {"mapreduce.job.outputformat.class", kFormats, "TextOutputFormat"},
    {"mapred.output.format.class", kFormats, "TextOutputFormat"},
    {"mapreduce.job.partitioner.class", kNoJava, kFieldPartitioner},
    {"mapred.partitioner.class", kNoJava, kFieldPartitioner},
    {"mapreduce.job.map.class", kNoJava},
    {"mapreduce.job.combine.class", kNoJava},
    {"mapreduce.job.reduce.class", kNoJava},
    {"mapreduce.input.pathFilter.class", "use patterns in --input"},
    {"mapreduce.input.fileinputformat.inputdir", "use --input"},
    {"mapred.input.dir", "use --input"},
    {"mapreduce.output.fileoutputformat.outputdir", "use --output"},
    {"mapred.output.dir", "use --output"},
    {"mapreduce.output.basename", "parts are named part-NNNNN-of-NNNNN"},
    {"mapreduce.output.fileoutputformat.compress", kCompress, "false"},
    {"mapred.output.compress", kCompress, "false"},
    {"mapreduce.map.skip.maxrecords", kSkip, "0"},
    {"mapred.skip.map.max.skip.records", kSkip, "0"},
    {"mapreduce.map.failures.maxpercent", kAll, "0"},
    {"mapred.max.map.failures.percent", kAll, "0"},
    {"mapreduce.reduce.failures.maxpercent", kAll, "0"},
    {"mapred.max.reduce.failures.percent", kAll, "0"},
};

// Null if it is not in the table.
template <size_t kSize>
const char* Find(const Entry (&table)[kSize], std::string_view name) {
  for (const Entry& entry : table) {
    if (entry.name == name) return entry.text;
  }
  return nullptr;
}

absl::Status NotSupported(absl::string_view what, absl::string_view instead) {
  return absl::InvalidArgumentError(absl::StrCat(what, " is not supported: ", instead));
}

// The last part of a Java class's name.
std::string ClassName(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// Null if the property changes nothing, or is supported.
const char* InsteadOf(const std::string& property, const std::string& value) {
  for (const Property& known : kUnsupportedProperties) {
    if (known.name != property) continue;
    const bool is_so = !known.same.empty() && ClassName(value) == known.same;
    return is_so ? nullptr : known.instead;
  }
  return nullptr;
}

bool IsJavaClass(const std::string& command) {
  return absl::StartsWith(command, "org.apache.") || absl::EndsWith(command, ".class");
}

absl::StatusOr<uint32_t> ReadFields(const std::string& name, const std::string& value) {
  uint32_t fields = 0;
  if (absl::SimpleAtoi(value, &fields) && fields > 0) return fields;
  return absl::InvalidArgumentError(
      absl::StrCat("-D ", name, "=", value, ": needs a whole number from 1"));
}

class Translation {
 public:
  explicit Translation(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  absl::StatusOr<std::vector<std::string>> Run() {
    for (; next_ < arguments_.size(); ++next_) MILLRACE_RETURN_IF_ERROR(Take());
    MILLRACE_RETURN_IF_ERROR(AddFields());
    for (const auto& [flag, values] : lists_) {
      result_.push_back(absl::StrCat("--", flag, "=", absl::StrJoin(values, Find(kLists, flag))));
    }
    return std::move(result_);
  }

 private:
  absl::Status Take() {
    const std::string& argument = arguments_[next_];
    if (const char* instead = Find(kUnsupported, argument); instead != nullptr) {
      return NotSupported(argument, instead);
    }
    if (argument == "-inputformat" || argument == "-outputformat" || argument == "-io") {
      return TakeFormat(argument);
    }
    if (const char* ours = Find(kRenamed, argument); ours != nullptr) {
      MILLRACE_ASSIGN_OR_RETURN(const std::string value, Value());
      return Set(ours, value);
    }
    if (absl::StartsWith(argument, "-D") && argument.size() > 2) {
      return Set("define", argument.substr(2));
    }
    return TakeOurs(argument);
  }

  // Of ours only those that may be given many times are looked at.
  absl::Status TakeOurs(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    for (const Entry& list : kLists) {
      const std::string flag(list.name);
      if (name != "--" + flag && name != "-" + flag) continue;
      if (equals != std::string::npos) return Set(flag, argument.substr(equals + 1));
      MILLRACE_ASSIGN_OR_RETURN(const std::string value, Value());
      return Set(flag, value);
    }
    result_.push_back(argument);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Value() {
    if (next_ + 1 < arguments_.size()) return arguments_[++next_];
    return absl::InvalidArgumentError(absl::StrCat(arguments_[next_], " needs a value"));
  }

  absl::Status TakeFormat(const std::string& flag) {
    MILLRACE_ASSIGN_OR_RETURN(const std::string value, Value());
    const std::string name = ClassName(value);
    if (name == "TextInputFormat" || name == "TextOutputFormat" || name == "text") {
      return absl::OkStatus();
    }
    return NotSupported(absl::StrCat(flag, " ", value), kFormats);
  }

  absl::Status Set(const std::string& flag, const std::string& value) {
    if (flag == "define") return DefineAll(value);
    if (Find(kLists, flag) != nullptr) {
      lists_[flag].push_back(value);
      return absl::OkStatus();
    }
    if (flag == "partitioner" && ClassName(value) == kFieldPartitioner) return absl::OkStatus();
    if (IsJavaClass(value) || (flag == "reducer" && value == "aggregate")) {
      return NotSupported(absl::StrCat("-", flag, " ", value), kNoJava);
    }
    result_.push_back(absl::StrCat("--", flag, "=", value));
    return absl::OkStatus();
  }

  // What came out of here before has all properties in one value.
  absl::Status DefineAll(const std::string& settings) {
    for (const absl::string_view setting : absl::StrSplit(settings, '\n')) {
      MILLRACE_RETURN_IF_ERROR(Define(std::string(setting)));
    }
    return absl::OkStatus();
  }

  absl::Status Define(const std::string& setting) {
    const std::string name = setting.substr(0, setting.find('='));
    const std::string value = setting.substr(std::min(name.size() + 1, setting.size()));
    if (const char* instead = InsteadOf(name, value); instead != nullptr) {
      return NotSupported(absl::StrCat("-D ", name), instead);
    }
    if ((name == "mapreduce.job.reduces" || name == "mapred.reduce.tasks") &&
        name.size() < setting.size()) {
      result_.push_back("--reducers=" + value);
      return absl::OkStatus();
    }
    if (name.size() < setting.size()) {
      MILLRACE_ASSIGN_OR_RETURN(const bool taken, TakeFields(name, value));
      if (taken) return absl::OkStatus();
    }
    lists_["define"].push_back(setting);
    return absl::OkStatus();
  }

  // Whether the property is one about the fields of keys.
  absl::StatusOr<bool> TakeFields(const std::string& name, const std::string& value) {
    if (name == kKeyFields) {
      MILLRACE_ASSIGN_OR_RETURN(key_fields_, ReadFields(name, value));
    } else if (name == kPartitionFields) {
      MILLRACE_ASSIGN_OR_RETURN(partition_fields_, ReadFields(name, value));
    } else if (name == "mapreduce.partition.keypartitioner.options" ||
               name == "mapred.text.key.partitioner.options") {
      constexpr char kFromFirst[] = "-k1,";
      const std::string last = absl::StartsWith(value, kFromFirst)
                                   ? value.substr(sizeof(kFromFirst) - 1)
                                   : std::string();
      absl::StatusOr<uint32_t> fields = ReadFields(name, last);
      if (!fields.ok()) {
        return NotSupported(absl::StrCat("-D ", name, "=", value),
                            "the part is chosen by the first M fields, -k1,M");
      }
      partition_fields_ = *fields;
    } else {
      return false;
    }
    return true;
  }

  // Values of keys that agree in the fields of the partition are grouped, and sorted by the others.
  absl::Status AddFields() {
    if (!key_fields_.has_value() && !partition_fields_.has_value()) return absl::OkStatus();
    const uint32_t of_key = key_fields_.value_or(1);  // Hadoop's default
    const uint32_t of_partition = partition_fields_.value_or(of_key);
    if (of_partition > of_key) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the part is chosen by ", of_partition, " fields of the key, but the key has ", of_key,
          "; give it as many with -D ", kKeyFields, "=", of_partition));
    }
    result_.push_back(absl::StrCat("--key_fields=", of_partition));
    if (of_key > of_partition) result_.push_back(absl::StrCat("--sort_fields=", of_key));
    return absl::OkStatus();
  }

  const std::vector<std::string>& arguments_;
  size_t next_ = 0;
  std::vector<std::string> result_;
  std::map<std::string, std::vector<std::string>> lists_;
  std::optional<uint32_t> key_fields_;
  std::optional<uint32_t> partition_fields_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FromHadoopFlags(
    const std::vector<std::string>& arguments) {
  return Translation(arguments).Run();
}

}  // namespace millrace
