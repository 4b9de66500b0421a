#include "storage/output_committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"
#include "storage/output_manifest.h"
#include "storage/paths.h"
#include "storage/posix_file_system.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOutput[] = "/data/out";
constexpr char kJob[] = "job-3-0123abcd";
constexpr uint64_t kAnySize = 1 << 20;

// Every file below a folder, with its content.
std::map<std::string, std::string> FilesBelow(FileSystem& fs, const std::string& folder) {
  std::map<std::string, std::string> files;
  absl::StatusOr<std::vector<std::string>> names = fs.List(folder);
  if (!names.ok()) return files;
  for (const std::string& name : *names) {
    const std::string path = JoinPath(folder, name);
    if (fs.Stat(path)->kind == FileKind::kFolder) {
      files.emplace(path + "/", "");
      files.merge(FilesBelow(fs, path));
    } else {
      files.emplace(path, ReadFile(fs, path, kAnySize).value());
    }
  }
  return files;
}

// A disk, and a process that writes to it and may die.
class World {
 public:
  World() {
    EXPECT_TRUE(memory.CreateFolders("/data").ok());
    EXPECT_TRUE(memory.SyncFolder("/").ok());
    plan.output = kOutput;
    plan.job_key = kJob;
    plan.job_name = "wordcount";
  }

  void Write(const std::string& path, const std::string& content) {
    ASSERT_TRUE(memory.CreateFolders(FolderOf(path)).ok());
    ASSERT_TRUE(WriteFileAtomically(memory, path, content).ok());
  }

  // Stages the job, with a part from each winning attempt and one from an attempt that lost.
  void StageParts(const std::vector<std::string>& contents) {
    EXPECT_EQ(committer.Stage(kOutput, kJob, "nonce").value(), "nonce");
    for (uint32_t part = 0; part < contents.size(); ++part) {
      const AttemptId winner{Epoch(1), part + 1};
      Write(StagedPartPath(kOutput, kJob, part, winner), contents[part]);
      plan.parts.push_back(StagedPart{winner, contents[part].size(), DigestOf(contents[part])});
    }
    Write(StagedPartPath(kOutput, kJob, 0, AttemptId{Epoch(1), 99}), "lost");
  }

  // An older job's output.
  void WriteOlderOutput() {
    Write("/data/out/part-00000-of-00003", "old");
    Write("/data/out/part-00001-of-00003", "old");
    Write("/data/out/part-00002-of-00003", "old");
    Write("/data/out/part-00000-of-00002", "old");  // named and as long as one of the new parts
    Write("/data/out/_SUCCESS", ToJson(OutputManifest{"job-1-0123abcd", "older", {}}));
    Write("/data/out/notes.txt", "not ours");
    EXPECT_TRUE(memory.SyncFolder("/data").ok());
  }

  std::map<std::string, std::string> Files() { return FilesBelow(memory, "/data"); }

  std::string Read(const std::string& path) { return ReadFile(memory, path, kAnySize).value(); }

  MemoryFileSystem memory;
  FaultyFileSystem fs{&memory};
  OutputCommitter committer{&fs};
  PublishPlan plan;
};

// What glog wrote meanwhile.
std::string Logged(const std::function<void()>& action) {
  ::testing::internal::CaptureStderr();
  action();
  return ::testing::internal::GetCapturedStderr();
}

// --- Keep ---

constexpr char kKept[] = "/data/keep/_millrace-job-3-0123abcd";

// Of a job that was staged, has kept one map output and goes on.
void KeepOne(World& world) {
  ASSERT_TRUE(world.memory.CreateFolders("/data/keep").ok());
  ASSERT_TRUE(world.committer.Keep(kOutput, kJob, "/data/keep").ok());
  world.Write(JoinPath(kKept, "run"), "kept");
}

TEST(KeepTest, MakesAFolderOfTheJobWithItsNonceAndMayBeRepeated) {
  World world;
  world.StageParts({});
  KeepOne(world);
  ASSERT_TRUE(world.committer.Keep(kOutput, kJob, "/data/keep").ok());
  EXPECT_EQ(world.Read(KeptNoncePath(kKept)), "nonce");
  EXPECT_EQ(world.Read(JoinPath(kKept, "run")), "kept");
}

TEST(KeepTest, WhatIsKeptGoesWhenTheJobIsPublishedAndTheFolderItselfStays) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  world.Write("/data/keep/other", "of somebody else");
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_THAT(world.memory.List("/data/keep").value(), ElementsAre("other"));
}

TEST(KeepTest, WhatIsKeptGoesWhenTheJobIsAbortedWhereverThatIsInterrupted) {
  bool survived = false;
  for (int changes = 0; !survived; ++changes) {
    World world;
    world.StageParts({"apple"});
    KeepOne(world);
    world.fs.StopAfter(changes);
    (void)world.committer.Abort(world.plan);
    survived = !world.fs.stopped();
    world.fs.Heal();
    ASSERT_TRUE(world.committer.Abort(world.plan).ok());
    EXPECT_THAT(world.memory.List("/data/keep").value(), IsEmpty())
        << "after a kill at change " << changes;
  }
}

TEST(KeepTest, TheNoteStaysUntilWhatIsKeptIsGone) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  world.fs.FailEvery(FileOperation::kRemove, absl::UnavailableError("stale handle"));
  EXPECT_FALSE(world.committer.Abort(world.plan).ok());
  EXPECT_EQ(world.Read(KeepNotePath(kOutput, kJob)), "/data/keep");
}

// As NFS says while a process of this host has a file open in there.
absl::Status NotEmpty() {
  return absl::FailedPreconditionError(std::string(kKept) + ": cannot remove: Directory not empty");
}

TEST(KeepTest, WhatCannotBeRemovedIsNamedWithWhatToDo) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  world.fs.FailEvery(FileOperation::kRemove, NotEmpty());
  EXPECT_THAT(std::string(world.committer.Abort(world.plan).message()),
              HasSubstr(std::string(kKept) +
                        ": cannot remove: Directory not empty; when no process has files open in " +
                        kKept + ", remove it, and then /data/out/_millrace/job-3-0123abcd"));
}

TEST(KeepTest, WhatAPublishedJobCouldNotRemoveIsTriedAgainForTheNextJob) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  world.fs.FailNth(FileOperation::kRemove, 1, NotEmpty());
  EXPECT_THAT(Logged([&] { EXPECT_TRUE(world.committer.PublishJob(world.plan).ok()); }),
              HasSubstr(std::string("files open in ") + kKept + ", remove it"));
  world.fs.FailNth(FileOperation::kRemove, 1, NotEmpty());
  EXPECT_THAT(Logged([&] { world.committer.RemoveUnknown(kOutput, "0123abcd", {}); }),
              HasSubstr(std::string("files open in ") + kKept + ", remove it"));
  world.committer.RemoveUnknown(kOutput, "0123abcd", {});
  EXPECT_FALSE(world.memory.Stat(StagingRoot(kOutput)).ok());
  EXPECT_THAT(world.memory.List("/data/keep").value(), IsEmpty());
}

TEST(KeepTest, AFolderThatIsNotMountedWhenTheJobEndsStopsNothingAndIsNamed) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  ASSERT_TRUE(world.memory.RemoveTree("/data/keep").ok());
  EXPECT_THAT(Logged([&] { EXPECT_TRUE(world.committer.PublishJob(world.plan).ok()); }),
              HasSubstr(std::string("please remove ") + kKept));
  EXPECT_FALSE(world.memory.Stat(StagingRoot(kOutput)).ok());
}

TEST(KeepTest, OfAJobThatNobodyKnowsNothingIsKept) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  world.committer.RemoveUnknown(kOutput, "0123abcd", {});
  EXPECT_THAT(world.Files(), ElementsAre(::testing::Pair("/data/keep/", "")));
}

// Its number was given away again, by a master that never knew of it.
TEST(KeepTest, WhatAnotherJobOfTheSameNumberKeepsIsNotTouched) {
  World world;
  world.StageParts({"apple"});
  KeepOne(world);
  ASSERT_TRUE(world.committer.Stage("/data/other", kJob, "another nonce").ok());
  ASSERT_TRUE(world.committer.Keep("/data/other", kJob, "/data/keep").ok());
  world.committer.RemoveUnknown(kOutput, "0123abcd", {{kJob, "/data/other"}});
  EXPECT_FALSE(world.memory.Stat(kOutput).ok());
  EXPECT_EQ(world.Read(KeptNoncePath(kKept)), "another nonce");
}

// As where shared storage is not mounted: what was made there would fill the host's own disk.
TEST(KeepTest, AFolderThatThisHostDoesNotHaveIsNotMade) {
  World world;
  world.StageParts({});
  const auto before = world.Files();
  const absl::Status kept = world.committer.Keep(kOutput, kJob, "/data/keep");
  EXPECT_EQ(kept.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(kept.message(),
            "--keep_intermediate=/data/keep: the master's host does not have this folder, though "
            "the client's has it: is the shared folder mounted there?");
  EXPECT_EQ(world.Files(), before);
}

TEST(KeepTest, AnErrorNamesTheFolderAndTheFlag) {
  World world;
  world.StageParts({});
  ASSERT_TRUE(world.memory.CreateFolders("/data/keep").ok());
  world.fs.FailNth(FileOperation::kCreateFolders, 1, absl::PermissionDeniedError("denied"));
  const absl::Status kept = world.committer.Keep(kOutput, kJob, "/data/keep");
  EXPECT_EQ(kept.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(kept.message()), HasSubstr("--keep_intermediate=/data/keep: "));
}

// --- Stage ---

TEST(StageTest, MakesTheFolderAndANonce) {
  World world;
  EXPECT_EQ(world.committer.Stage(kOutput, kJob, "nonce").value(), "nonce");
  EXPECT_EQ(world.Read(NoncePath(kOutput, kJob)), "nonce");
}

TEST(StageTest, CostsNoSyncAndADurablePartMakesItDurable) {
  World world;
  world.fs.FailEvery(FileOperation::kSync, absl::DataLossError("no sync"));
  world.fs.FailEvery(FileOperation::kSyncFolder, absl::DataLossError("no sync"));
  world.StageParts({"apple"});  // parts are written past the faults
  world.fs.Heal();
  world.memory.Crash();
  EXPECT_EQ(world.committer.Stage(kOutput, kJob, "nonce").value(), "nonce");
  EXPECT_EQ(world.Read(NoncePath(kOutput, kJob)), "nonce");
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
}

TEST(StageTest, TheSameJobKeepsItsFirstNonce) {
  World world;
  ASSERT_TRUE(world.committer.Stage(kOutput, kJob, "first").ok());
  EXPECT_EQ(world.committer.Stage(kOutput, kJob, "second").value(), "first");
}

TEST(StageTest, AnErrorLeavesNothing) {
  World world;
  for (FileOperation operation :
       {FileOperation::kCreateFolders, FileOperation::kOpenForWriting, FileOperation::kWrite,
        FileOperation::kClose, FileOperation::kRename}) {
    world.fs.FailNth(operation, 1, absl::ResourceExhaustedError("no space"));
    absl::Status status = world.committer.Stage("/data/a/out", kJob, "nonce").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("output \"/data/a/out\": "));
    EXPECT_THAT(world.Files(), IsEmpty());
  }
}

TEST(StageTest, OfTwoJobsInOneFolderTheSecondLearnsOfTheFirst) {
  World world;
  ASSERT_TRUE(world.committer.Stage(kOutput, kJob, "nonce").ok());
  EXPECT_TRUE(world.committer.CheckNoOtherJob(kOutput, {kJob}).ok());
  ASSERT_TRUE(world.committer.Stage(kOutput, "job-1-fedcba98", "other").ok());
  absl::Status status = world.committer.CheckNoOtherJob(kOutput, {"job-1-fedcba98"});
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("output \"/data/out\": job-3-0123abcd writes there; wait for it"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("remove /data/out/_millrace/job-3-0123abcd)"));
}

// --- Publish ---

TEST(PublishTest, WinnersGetTheirNamesAndNothingElseRemains) {
  World world;
  world.StageParts({"apple\t1\n", ""});
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_THAT(*world.memory.List(kOutput),
              ElementsAre("_SUCCESS", "part-00000-of-00002", "part-00001-of-00002"));
  EXPECT_EQ(world.Read("/data/out/part-00000-of-00002"), "apple\t1\n");
  EXPECT_EQ(world.Read("/data/out/part-00001-of-00002"), "");
}

TEST(PublishTest, TheManifestListsThePartsWithLengthAndDigest) {
  World world;
  world.StageParts({"apple\t1\n", ""});
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  OutputManifest manifest{kJob, "wordcount", {}};
  manifest.parts.push_back(ManifestPart{"part-00000-of-00002", 8, DigestOf("apple\t1\n")});
  manifest.parts.push_back(ManifestPart{"part-00001-of-00002", 0, DigestOf("")});
  EXPECT_EQ(world.Read("/data/out/_SUCCESS"), ToJson(manifest));
}

TEST(PublishTest, SkippedRecordsAreListedBesideThePartsAndOnlyIfThereAreAny) {
  World world;
  world.StageParts({"apple"});
  world.plan.skipped = {{"/in/a", 0, 4}, {"/in/b", 7, 9}};
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  world.memory.Crash();
  EXPECT_EQ(world.Read("/data/out/_skipped"), "/in/a:0\t4\n/in/b:7\t9\n");

  World nothing_skipped;
  nothing_skipped.Write("/data/out/_skipped", "of an older job");
  nothing_skipped.plan.overwrite = true;
  nothing_skipped.StageParts({"apple"});
  ASSERT_TRUE(nothing_skipped.committer.PublishJob(nothing_skipped.plan).ok());
  EXPECT_FALSE(nothing_skipped.memory.Stat("/data/out/_skipped").ok());
}

TEST(PublishTest, PublishedOutputSurvivesACrash) {
  World world;
  world.StageParts({"apple", "pear"});
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  world.memory.Crash();
  EXPECT_EQ(world.Read("/data/out/part-00001-of-00002"), "pear");
  EXPECT_TRUE(world.memory.Stat("/data/out/_SUCCESS").ok());
}

TEST(PublishTest, APartOfTheWrongLengthStopsEverythingBeforeTheFirstChange) {
  World world;
  world.StageParts({"apple", "pear"});
  world.Write(StagedPartPath(kOutput, kJob, 1, world.plan.parts[1].attempt), "cut");
  const auto before = world.Files();
  absl::Status status = world.committer.PublishJob(world.plan);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has 3 bytes, but its task wrote 4"));
  EXPECT_EQ(world.Files(), before);
}

TEST(PublishTest, AMissingPartStopsEverythingBeforeTheFirstChange) {
  World world;
  world.WriteOlderOutput();
  world.plan.overwrite = true;
  world.StageParts({"new", "pear"});
  // Older output of the same name and length is no substitute.
  const std::string lost = StagedPartPath(kOutput, kJob, 0, world.plan.parts[0].attempt);
  ASSERT_TRUE(world.memory.RemoveFile(lost).ok());
  const auto before = world.Files();
  absl::Status status = world.committer.PublishJob(world.plan);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(lost + ": this finished part is gone"));
  EXPECT_EQ(world.Files(), before);
}

TEST(PublishTest, OverwriteReplacesAnOlderJobAndLeavesForeignFiles) {
  World world;
  world.WriteOlderOutput();
  world.plan.overwrite = true;
  world.StageParts({"new", "pear"});
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_THAT(*world.memory.List(kOutput),
              ElementsAre("_SUCCESS", "notes.txt", "part-00000-of-00002", "part-00001-of-00002"));
  EXPECT_EQ(world.Read("/data/out/part-00000-of-00002"), "new");
  EXPECT_TRUE(IsManifestOf(world.Read("/data/out/_SUCCESS"), kJob));
}

// A master whose journal was lost, or is an old copy, gives its numbers once more.
TEST(PublishTest, AnOlderJobOfTheSameKeyIsReplacedToo) {
  World world;
  world.StageParts({"old"});
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  world.plan.overwrite = true;
  world.plan.parts.clear();
  world.StageParts({"new"});
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_EQ(world.Read("/data/out/part-00000-of-00001"), "new");
}

TEST(PublishTest, WithoutOverwriteAnotherJobsOutputIsNotTouched) {
  World world;
  world.StageParts({"new", "pear"});
  world.WriteOlderOutput();  // in the meantime
  const auto before = world.Files();
  EXPECT_EQ(world.committer.PublishJob(world.plan).code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(world.memory.RemoveFile("/data/out/_SUCCESS").ok());
  EXPECT_EQ(world.committer.PublishJob(world.plan).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(world.Files().size() + 1, before.size());
}

TEST(PublishTest, WhatAnotherJobHasStagedIsNotTouched) {
  World world;
  world.StageParts({"apple"});
  ASSERT_TRUE(world.committer.Stage(kOutput, "job-4-0123abcd", "other").ok());
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_EQ(world.Read(NoncePath(kOutput, "job-4-0123abcd")), "other");
}

TEST(PublishTest, StagingThatCannotBeRemovedDoesNotFailTheJob) {
  World world;
  world.StageParts({"apple"});
  world.fs.FailEvery(FileOperation::kRemove, absl::PermissionDeniedError("no"));
  EXPECT_TRUE(world.committer.PublishJob(world.plan).ok());
  EXPECT_TRUE(world.memory.Stat("/data/out/_SUCCESS").ok());
}

// --- Kills at any point. Each test kills after 0, 1, 2, ... changes until one run gets through.
// ---

struct KillCase {
  const char* name;
  bool overwrite;
  bool host_crashes;  // what was not synced is lost as well
};

class KilledPublishTest : public ::testing::TestWithParam<KillCase> {
 protected:
  static std::unique_ptr<World> NewWorld() {
    auto world = std::make_unique<World>();
    if (GetParam().overwrite) world->WriteOlderOutput();
    world->plan.overwrite = GetParam().overwrite;
    world->StageParts({"new", "pear"});
    world->plan.skipped = {{"/in/a", 7, 9}};
    return world;
  }

  // Publishes until the kill after `changes` changes; returns whether it got through.
  static bool PublishAndDie(World* world, int changes) {
    world->fs.StopAfter(changes);
    const bool published = world->committer.PublishJob(world->plan).ok();
    const bool survived = !world->fs.stopped();
    EXPECT_TRUE(published || !survived);
    if (GetParam().host_crashes) world->memory.Crash();
    world->fs.Heal();
    return survived;
  }
};

TEST_P(KilledPublishTest, RepeatingItGivesTheSameOutput) {
  std::unique_ptr<World> calm = NewWorld();
  ASSERT_TRUE(calm->committer.PublishJob(calm->plan).ok());
  const auto expected = calm->Files();

  bool survived = false;
  for (int changes = 0; !survived; ++changes) {
    std::unique_ptr<World> world = NewWorld();
    survived = PublishAndDie(world.get(), changes);
    absl::Status status = world->committer.PublishJob(world->plan);
    EXPECT_TRUE(status.ok()) << status << " after a kill at change " << changes;
    EXPECT_EQ(world->Files(), expected) << "after a kill at change " << changes;
  }
}

TEST_P(KilledPublishTest, ASuccessFileAlwaysStandsForAWholeOutput) {
  bool survived = false;
  for (int changes = 0; !survived; ++changes) {
    std::unique_ptr<World> world = NewWorld();
    survived = PublishAndDie(world.get(), changes);
    absl::StatusOr<std::string> manifest = ReadFile(world->memory, ManifestPath(kOutput), kAnySize);
    if (!manifest.ok()) continue;
    const bool ours = IsManifestOf(*manifest, kJob);
    EXPECT_EQ(world->Read("/data/out/part-00000-of-00002"), ours ? "new" : "old");
    if (ours) EXPECT_EQ(world->Read("/data/out/_skipped"), "/in/a:7\t9\n");
    EXPECT_EQ(world->memory.Stat("/data/out/part-00002-of-00003").ok(), !ours);
  }
}

INSTANTIATE_TEST_SUITE_P(Kills, KilledPublishTest,
                         ::testing::Values(KillCase{"Process", false, false},
                                           KillCase{"Host", false, true},
                                           KillCase{"ProcessOverwriting", true, false},
                                           KillCase{"HostOverwriting", true, true}),
                         [](const auto& info) { return info.param.name; });

// --- Abort ---

TEST(AbortTest, LeavesNothingOfTheJobNorTheFoldersThatItMade) {
  World world;
  world.plan.output = "/data/a/b/out";
  ASSERT_TRUE(world.committer.Stage("/data/a/b/out", kJob, "nonce").ok());
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());
  EXPECT_THAT(world.Files(), IsEmpty());
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());  // again
}

// As those of a chain do.
TEST(AbortTest, OfJobsThatStageTogetherTheLastToGoRemovesTheFoldersThatTheyMade) {
  const std::string jobs[] = {"job-3-0123abcd", "job-4-0123abcd"};
  for (const bool reversed : {false, true}) {
    World world;
    world.plan.output = "/data/a/out";
    const std::string missing = world.committer.TopmostMissing(world.plan.output).value();
    EXPECT_EQ(missing, "/data/a");
    for (const std::string& job : jobs) {
      ASSERT_TRUE(world.committer.Stage({world.plan.output, job, "nonce", missing}).ok());
    }
    world.plan.job_key = jobs[reversed ? 1 : 0];
    EXPECT_TRUE(world.committer.Abort(world.plan).ok());
    world.plan.job_key = jobs[reversed ? 0 : 1];
    EXPECT_TRUE(world.memory.Stat(StagingFolder(world.plan.output, world.plan.job_key)).ok());
    EXPECT_TRUE(world.committer.Abort(world.plan).ok());
    EXPECT_THAT(world.Files(), IsEmpty());
  }
}

TEST(AbortTest, LeavesAFolderThatWasThereBefore) {
  World world;
  ASSERT_TRUE(world.memory.CreateFolders(kOutput).ok());
  world.StageParts({"apple"});
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());
  EXPECT_THAT(*world.memory.List(kOutput), IsEmpty());
}

TEST(AbortTest, LeavesAFolderInWhichSomebodyPutAFile) {
  World world;
  world.StageParts({"apple"});
  world.Write("/data/out/notes.txt", "not ours");
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());
  EXPECT_THAT(*world.memory.List(kOutput), ElementsAre("notes.txt"));
}

TEST(AbortTest, LeavesAnOlderJobsOutputAlone) {
  World world;
  world.WriteOlderOutput();
  const auto before = world.Files();
  world.plan.overwrite = true;
  world.StageParts({"old", "old"});  // equal content
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());
  EXPECT_EQ(world.Files(), before);
}

TEST(AbortTest, TakesBackAPublicationThatFailedInTheMiddle) {
  World world;
  world.StageParts({"apple", "pear", "plum"});
  world.fs.FailNth(FileOperation::kRename, 3, absl::DataLossError("the device failed"));
  EXPECT_EQ(world.committer.PublishJob(world.plan).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(world.memory.Stat("/data/out/part-00000-of-00003").ok());
  EXPECT_TRUE(world.committer.Abort(world.plan).ok());
  EXPECT_THAT(world.Files(), IsEmpty());
}

TEST(AbortTest, IsTooLateOnceTheJobIsPublished) {
  World world;
  world.StageParts({"apple"});
  ASSERT_TRUE(world.committer.PublishJob(world.plan).ok());
  const auto before = world.Files();
  EXPECT_EQ(world.committer.Abort(world.plan).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world.Files(), before);
}

TEST(AbortTest, AfterAKillAnywhereInPublishingItIsAllOrNothing) {
  bool survived = false;
  for (int changes = 0; !survived; ++changes) {
    World world;
    world.StageParts({"apple", "pear"});
    world.plan.skipped = {{"/in/a", 7, 9}};
    world.fs.StopAfter(changes);
    (void)world.committer.PublishJob(world.plan);
    survived = !world.fs.stopped();
    world.fs.Heal();
    if (world.committer.Abort(world.plan).ok()) {
      EXPECT_THAT(world.Files(), IsEmpty()) << "after a kill at change " << changes;
    } else {
      EXPECT_TRUE(IsManifestOf(world.Read("/data/out/_SUCCESS"), kJob));
    }
  }
}

// --- Staging of jobs that are gone ---

// Locks are the kernel's, so this is on a real disk.
class AbandonedTest : public ::testing::Test {
 protected:
  AbandonedTest() {
    std::string folder = ::testing::TempDir() + "abandoned-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    output_ = JoinPath(folder, "out");
  }

  void Stage(const std::string& job_key) {
    EXPECT_TRUE(committer_.Stage(output_, job_key, "nonce").ok());
  }
  std::unique_ptr<FileLock> StageAndHold(const std::string& job_key) {
    Stage(job_key);
    std::unique_ptr<FileLock> held = committer_.HoldStaging(output_, job_key);
    EXPECT_NE(held, nullptr);
    return held;
  }

  PosixFileSystem fs_;
  OutputCommitter committer_{&fs_};
  std::string output_;
};

TEST_F(AbandonedTest, OnlyStagingThatWasHeldAndIsNoLongerIsRemoved) {
  Stage("durable");  // never held: its master may come back
  StageAndHold("dead").reset();
  const std::unique_ptr<FileLock> living = StageAndHold("living");
  committer_.RemoveAbandoned(output_);
  EXPECT_THAT(*fs_.List(StagingRoot(output_)), ElementsAre("durable", "living"));
}

TEST_F(AbandonedTest, TheFoldersThatWereMadeForItGoToo) {
  output_ += "/deep/down";
  StageAndHold("dead").reset();
  committer_.RemoveAbandoned(output_);
  EXPECT_THAT(*fs_.List(FolderOf(FolderOf(FolderOf(output_)))), IsEmpty());
}

TEST_F(AbandonedTest, WithoutStagingThereIsNothingToDo) { committer_.RemoveAbandoned(output_); }

TEST_F(AbandonedTest, WhatTheClusterDoesNotKnowIsRemovedAndNothingOfOthers) {
  for (const char* key : {"job-1-01234567", "job-2-01234567", "job-1-fedcba98"}) Stage(key);
  committer_.RemoveUnknown(output_, "0123456789abcdef", {{"job-2-01234567", output_}});
  EXPECT_THAT(*fs_.List(StagingRoot(output_)), ElementsAre("job-1-fedcba98", "job-2-01234567"));
}

TEST_F(AbandonedTest, AJobIsKnownByAnotherNameOfItsFolderButNotByItsNumberAlone) {
  for (const char* key : {"job-1-01234567", "job-2-01234567"}) Stage(key);
  const std::string other_name = output_ + "-link";
  ASSERT_EQ(symlink(output_.c_str(), other_name.c_str()), 0);
  committer_.RemoveUnknown(output_, "0123456789abcdef",
                           {{"job-1-01234567", FolderOf(output_)}, {"job-2-01234567", other_name}});
  EXPECT_THAT(*fs_.List(StagingRoot(output_)), ElementsAre("job-2-01234567"));
}

}  // namespace
}  // namespace millrace
