#include "master/map_fingerprints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::IsEmpty;

JobSpec Spec() {
  JobSpec spec;
  spec.map_identity = Digest{1, 2};
  spec.reducers = 4;
  return spec;
}

// The second half of a file.
FileRange Range() { return FileRange{InputFile{"/in/a", 1000, 77}, 500, 500}; }

Digest FingerprintOf(const FileRange& range, const JobSpec& spec = Spec()) {
  return MapFingerprints(spec, {InputSplit{range}}).at(0);
}

TEST(MapFingerprintsTest, EachSplitHasItsOwn) {
  const InputSplit both{Range(), Range()};
  const std::vector<Digest> prints = MapFingerprints(Spec(), {InputSplit{Range()}, both});
  ASSERT_EQ(prints.size(), 2u);
  EXPECT_NE(prints[0], prints[1]);
}

TEST(MapFingerprintsTest, TheyDependOnNothingButInputIdentityFormatAndParts) {
  JobSpec other = Spec();
  other.name = "other";
  other.output_folder = "/elsewhere";
  other.argv = {"another", "command"};
  other.max_attempts = 9;
  EXPECT_EQ(FingerprintOf(Range(), other), FingerprintOf(Range()));
}

TEST(MapFingerprintsTest, EveryPropertyOfTheSplitChangesThem) {
  const Digest same = FingerprintOf(Range());
  for (void (*change)(FileRange*) : {
           +[](FileRange* r) { r->file.path = "/in/b"; },
           +[](FileRange* r) { r->file.size = 1001; },
           +[](FileRange* r) { r->file.mtime_ns = 78; },
           +[](FileRange* r) { r->offset = 499; },
           +[](FileRange* r) { r->length = 499; },
           +[](FileRange* r) { r->file.compression = Compression::kGzip; },
           +[](FileRange* r) { r->file.input = 1; },
       }) {
    FileRange range = Range();
    change(&range);
    EXPECT_NE(FingerprintOf(range), same);
  }
}

TEST(MapFingerprintsTest, IdentityFormatAndPartsChangeThem) {
  const Digest same = FingerprintOf(Range());
  for (void (*change)(JobSpec*) : {
           +[](JobSpec* s) {
             s->map_identity = Digest{1, 3};
           },
           +[](JobSpec* s) { s->reducers = 5; },
           +[](JobSpec* s) { s->input_format = InputFormat::kWholeFile; },
           +[](JobSpec* s) { s->split_keys = {"key"}; },
       }) {
    JobSpec spec = Spec();
    change(&spec);
    EXPECT_NE(FingerprintOf(Range(), spec), same);
  }
}

TEST(MapFingerprintsTest, AJobWithoutIdentityHasNone) {
  JobSpec spec = Spec();
  spec.map_identity.reset();
  EXPECT_THAT(MapFingerprints(spec, {InputSplit{Range()}}), IsEmpty());
}

}  // namespace
}  // namespace millrace
