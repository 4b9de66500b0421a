#include "storage/output_manifest.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(OutputManifestTest, IsReadableJson) {
  OutputManifest manifest{"job-3-0123abcd", "wordcount", {}};
  manifest.parts.push_back(ManifestPart{"part-00000-of-00002", 40, Digest{1, 2}});
  manifest.parts.push_back(ManifestPart{"part-00001-of-00002", 2, Digest{3, 4}});
  EXPECT_EQ(ToJson(manifest),
            R"({
  "format": 1,
  "job": "job-3-0123abcd",
  "name": "wordcount",
  "bytes": 42,
  "parts": [
    {"name": "part-00000-of-00002", "bytes": 40, "digest": "00000000000000010000000000000002"},
    {"name": "part-00001-of-00002", "bytes": 2, "digest": "00000000000000030000000000000004"}
  ]
}
)");
}

TEST(OutputManifestTest, KnowsWhoseItIs) {
  const std::string json = ToJson(OutputManifest{"job-3-0123abcd", "wordcount", {}});
  EXPECT_TRUE(IsManifestOf(json, "job-3-0123abcd"));
  EXPECT_FALSE(IsManifestOf(json, "job-3-0123abc"));
  EXPECT_FALSE(IsManifestOf("", "job-3-0123abcd"));
  EXPECT_EQ(JobKeyIn(json), "job-3-0123abcd");
  EXPECT_EQ(JobKeyIn("{}"), "");
}

TEST(OutputManifestTest, AJobsNameCannotPretendToBeAnotherJob) {
  const std::string json = ToJson(OutputManifest{"job-3", "\"job\": \"job-4\",\n", {}});
  EXPECT_FALSE(IsManifestOf(json, "job-4"));
  EXPECT_EQ(JobKeyIn(json), "job-3");
  EXPECT_NE(json.find(R"("name": "\"job\": \"job-4\",\u000a")"), json.npos);
}

}  // namespace
}  // namespace millrace
