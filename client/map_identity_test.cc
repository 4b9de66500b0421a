#include "client/map_identity.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

struct Job {
  JobDescription description;
  JobSpec spec;
  std::vector<std::string> flags = {"tokens=fields"};

  Digest identity() const { return MapIdentity(description, spec, flags); }
};

Job WordCount() {
  Job job;
  job.description.name = "wordcount";
  job.spec.binary.sha256 = std::string(64, 'a');
  job.spec.argv = {"wordcount", "--tokens=fields"};
  job.spec.environment = {"LANG=C"};
  job.spec.task_memory_bytes = 100;
  return job;
}

Digest With(void (*change)(Job*)) {
  Job job = WordCount();
  change(&job);
  return job.identity();
}

TEST(MapIdentityTest, WhereTheOutputGoesAndHowTheJobRunsDoNotMatter) {
  EXPECT_EQ(With([](Job* job) {
              job->spec.argv = {"./wordcount", "--output=elsewhere"};
              job->spec.output_folder = "/elsewhere";
              job->spec.reducers = 9;
              job->spec.max_attempts = 1;
              job->spec.request_id = "another";
              job->spec.binary.path = "/copy/of/wordcount";
            }),
            WordCount().identity());
}

TEST(MapIdentityTest, AnotherBinaryIsAnotherMap) {
  EXPECT_NE(With([](Job* job) { job->spec.binary.sha256[0] = 'b'; }), WordCount().identity());
}

TEST(MapIdentityTest, WhatTheMapMaySeeMatters) {
  const Digest same = WordCount().identity();
  EXPECT_NE(With([](Job* job) { job->flags = {"tokens=letters"}; }), same);
  EXPECT_NE(With([](Job* job) { job->spec.environment = {"LANG=de"}; }), same);
  EXPECT_NE(With([](Job* job) { job->spec.task_memory_bytes = 99; }), same);
  EXPECT_NE(With([](Job* job) { job->description.aggregate = Aggregate::kSum; }), same);
  EXPECT_NE(With([](Job* job) { job->description.sort_values = true; }), same);
  EXPECT_NE(With([](Job* job) { job->description.key_fields = 2; }), same);
  EXPECT_NE(With([](Job* job) { job->description.sort_fields = 2; }), same);
  EXPECT_NE(With([](Job* job) { job->description.combiner = []() { return nullptr; }; }), same);
  EXPECT_NE(With([](Job* job) { job->description.partitioner = []() { return nullptr; }; }), same);
  EXPECT_NE(With([](Job* job) { job->spec.side_files.resize(1); }), same);
}

TEST(MapIdentityTest, ADeclaredVersionStandsForTheBinary) {
  const auto version_one = [](Job* job) { job->description.map_version = "1"; };
  EXPECT_EQ(With([](Job* job) {
              job->description.map_version = "1";
              job->spec.binary.sha256[0] = 'b';
            }),
            With(version_one));
  EXPECT_NE(With([](Job* job) { job->description.map_version = "2"; }), With(version_one));
  EXPECT_NE(With([](Job* job) {
              job->description.map_version = "1";
              job->description.name = "grep";
            }),
            With(version_one))
      << "a version of another job";
}

TEST(MapIdentityTest, DeclaredParametersStandForTheFlags) {
  const auto declared = [](Job* job) {
    job->description.map_parameters = std::vector<std::string>{"fields"};
  };
  EXPECT_EQ(With([](Job* job) {
              job->description.map_parameters = std::vector<std::string>{"fields"};
              job->flags = {"tokens=fields", "least=5"};
            }),
            With(declared));
  EXPECT_NE(
      With([](Job* job) { job->description.map_parameters = std::vector<std::string>{"letters"}; }),
      With(declared));
}

TEST(MapIdentityTest, OfASideFileNameContentAndModeMatterAndNotItsPlace) {
  const auto with_file = [](void (*change)(JobBinary*)) {
    Job job = WordCount();
    JobBinary file;
    file.path = "/home/ann/map.py";
    file.name = "map.py";
    file.sha256 = std::string(64, 'f');
    change(&file);
    job.spec.side_files = {file};
    return job.identity();
  };
  const Digest same = with_file([](JobBinary*) {});
  EXPECT_EQ(with_file([](JobBinary* file) { file->path = "/home/bob/map.py"; }), same);
  EXPECT_NE(with_file([](JobBinary* file) { file->name = "map"; }), same);
  EXPECT_NE(with_file([](JobBinary* file) { file->sha256[0] = 'e'; }), same);
  EXPECT_NE(with_file([](JobBinary* file) { file->executable = false; }), same);
}

TEST(MapIdentityTest, ParametersAreNotRunTogether) {
  EXPECT_NE(With([](Job* job) {
              job->flags = {"a=1", "b=2"};
            }),
            With([](Job* job) { job->flags = {"a=1b=2"}; }));
}

}  // namespace
}  // namespace millrace
