// How a job gets in, and how it is kept out.
#include "master/submission.h"

#include "master/master_fixture.h"
#include "storage/output_committer.h"
#include "storage/paths.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SubmissionTest : public MasterFixture {
 protected:
  std::string BeginRefused(const JobSpec& spec) {
    auto request = Jobs().beginRequest();
    Write(spec, request.initSpec());
    auto response = request.send().wait(wait_scope_);
    if (!response.getResult().isRefused()) return "";
    return ReadMessageText(response.getResult().getRefused());
  }

  std::string BeginPutOff(const JobSpec& spec) {
    auto request = Jobs().beginRequest();
    Write(spec, request.initSpec());
    auto response = request.send().wait(wait_scope_);
    if (!response.getResult().isBusy()) return "";
    return ReadMessageText(response.getResult().getBusy());
  }

  bool NeedsBinary(capnp_master::Submission::Client submission, const std::string& file = "") {
    auto request = submission.needsBinaryRequest();
    request.setFile(file);
    return request.send().wait(wait_scope_).getNeeded();
  }

  void AddBinary(capnp_master::Submission::Client submission, uint64_t offset,
                 const std::string& data, const std::string& file = "") {
    auto request = submission.addBinaryRequest();
    request.setFile(file);
    request.setOffset(offset);
    request.setData(
        capnp::Data::Reader(reinterpret_cast<const kj::byte*>(data.data()), data.size()));
    request.send().ignoreResult().wait(wait_scope_);
  }

  JobId SubmitWithBinary() {
    auto submission = Begin(WordCount("/out"));
    AddBinary(submission, 0, "the program");
    return Finish(WordCount("/out")).job;
  }

  // So many that older ones go as soon as a job has ended.
  void AddNewerBinaries() {
    for (size_t i = 0; i <= BinaryStore::kKeptMax; ++i) {
      const std::string name = Sha256Hex(absl::StrCat("another program ", i));
      ASSERT_TRUE(WriteFileAtomically(fs_, JoinPath("/state/binaries", name), "bytes").ok());
    }
  }

  std::string FetchBinary(JobId job, const std::string& file = "") {
    auto bulk = Connect(Role::kBulk);
    auto request = bulk->Peer().castAs<capnp_master::Binaries>().openRequest();
    request.setJob(job.value());
    request.setFile(file);
    auto opened = request.send().wait(wait_scope_);
    if (opened.getResult().isRefused()) return ReadMessageText(opened.getResult().getRefused());
    auto read = opened.getResult().getFile().getReader().readRequest();
    read.setLength(1 << 20);
    auto data = read.send().wait(wait_scope_);
    return std::string(data.getData().asChars().begin(), data.getData().size());
  }
};

// The master was killed after it had staged a job and before it had accepted it, and gives the
// number to another job later.
TEST_F(SubmissionTest, WhatAMasterThatWasKilledHasStagedIsRemovedByTheNextSubmit) {
  OutputCommitter committer(&fs_);
  const std::string key = JobKey(JobId(1), "0123456789abcdef");
  ASSERT_TRUE(committer.Stage("/out", key, "nonce").ok());
  ASSERT_EQ(Submit(WordCount("/elsewhere")).job, JobId(1));
  ASSERT_EQ(Submit(WordCount("/out")).job, JobId(2));
  EXPECT_FALSE(Exists(StagingFolder("/out", key)));
  EXPECT_TRUE(Exists(StagingFolder("/out", JobKey(JobId(2), "0123456789abcdef"))));
}

TEST_F(SubmissionTest, TheSameRequestGivesTheSameJob) {
  const JobId job = Submit(WordCount("/out")).job;
  auto request = Jobs().beginRequest();
  Write(WordCount("/out"), request.initSpec());
  auto response = request.send().wait(wait_scope_);
  ASSERT_TRUE(response.getResult().isAlreadyAccepted());
  EXPECT_EQ(JobId(response.getResult().getAlreadyAccepted()), job);
}

// A client that does not know what became of its call makes a new one.
TEST_F(SubmissionTest, TheSameRequestUnderWayTwiceGivesOneJob) {
  AddWorker("red").set_frozen(true);
  auto one = Begin(WordCount("/out"));
  auto first = Commit(WordCount("/out"));
  EXPECT_FALSE(first.poll(wait_scope_));
  auto two = Begin(WordCount("/out"));
  auto second = Commit(WordCount("/out"));
  Pass(6 * kj::SECONDS);
  const JobId job = ReadSubmitted(first.wait(wait_scope_).getOutcome()).job;
  EXPECT_TRUE(job.is_set());
  EXPECT_EQ(ReadSubmitted(second.wait(wait_scope_).getOutcome()).job, job);
  EXPECT_THAT(master_->views().Jobs(), SizeIs(1));
}

TEST_F(SubmissionTest, ACopyOfTheCallIsToldOfTheSameJobWithoutASubmission) {
  const uint64_t session = OpenSession(1);
  auto submission = std::make_unique<capnp_master::Submission::Client>(Begin(WordCount("/out")));
  auto original = Commit(1, session, "request-for-/out").wait(wait_scope_);
  submission = nullptr;
  client_ = nullptr;
  auto copy = Commit(1, session, "request-for-/out").wait(wait_scope_);
  EXPECT_EQ(ReadSubmitted(copy.getOutcome()).job, ReadSubmitted(original.getOutcome()).job);
  EXPECT_THAT(master_->views().Jobs(), SizeIs(1));
}

TEST_F(SubmissionTest, ACallThatHasBegunMakesTheJobThoughItsConnectionIsLost) {
  AddWorker("red").set_frozen(true);
  const uint64_t session = OpenSession(1);
  {
    auto submission = Begin(WordCount("/out"));
    auto lost = Commit(1, session, "request-for-/out");
    EXPECT_FALSE(lost.poll(wait_scope_));
  }
  client_ = nullptr;
  auto copy = Commit(1, session, "request-for-/out");
  EXPECT_FALSE(copy.poll(wait_scope_)) << "waits for the original";
  Pass(6 * kj::SECONDS);
  EXPECT_TRUE(ReadSubmitted(copy.wait(wait_scope_).getOutcome()).job.is_set());
}

TEST_F(SubmissionTest, ANewMasterKnowsNoSessionsButEachRequestThatMadeAJob) {
  const uint64_t session = OpenSession(1);
  JobId job;
  {
    auto submission = Begin(WordCount("/out"));
    auto original = Commit(1, session, "request-for-/out").wait(wait_scope_);
    job = ReadSubmitted(original.getOutcome()).job;
  }
  KillAndRestart(Epoch(2));
  EXPECT_NE(OpenSession(2), session);
  auto copy = Commit(1, session, "request-for-/out").wait(wait_scope_);
  EXPECT_TRUE(copy.getOutcome().isSessionExpired());
  EXPECT_EQ(Finish(WordCount("/out")).job, job);
}

// Its connection breaks, and the master learns of that only when it has begun again.
TEST_F(SubmissionTest, OfTwoSubmissionsOfOneClientTheLaterOneCounts) {
  auto former = std::make_unique<capnp_master::Submission::Client>(Begin(WordCount("/out")));
  clients_ = 0;
  auto later = Begin(WordCount("/out"));
  former = nullptr;
  Settle();
  EXPECT_TRUE(Finish(WordCount("/out")).job.is_set());
}

// The network has held it back with its connection; its client has begun again over another one,
// and sends the files of the job.
TEST_F(SubmissionTest, ALateCallTakesNothingThatIsNotCompleteOverAnotherConnection) {
  const JobSpec spec = WordCount("/out", /*maps=*/3);
  const uint64_t session = OpenSession(1);
  auto former = Begin(spec);
  kj::Own<Connection> former_connection = kj::mv(client_);
  auto request = Jobs().beginRequest();
  Write(spec, request.initSpec());
  request.initClient().setLow(1);
  auto incomplete = request.send().wait(wait_scope_).getResult().getSubmission();
  kj::Own<Connection> later_connection = kj::mv(client_);
  client_ = kj::mv(former_connection);
  auto late = Commit(1, session, spec.request_id).wait(wait_scope_);
  const JobId job = ReadSubmitted(late.getOutcome()).job;
  EXPECT_TRUE(job.is_set());
  client_ = kj::mv(later_connection);
  auto copy = Commit(1, session, spec.request_id).wait(wait_scope_);
  EXPECT_EQ(ReadSubmitted(copy.getOutcome()).job, job);
}

// Its client has given the first up as unknown: a refusal would be false when that makes a job.
TEST_F(SubmissionTest, OfTheSameRequestUnderWayTwiceBothAreToldTheSame) {
  AddWorker("red").set_frozen(true);
  auto one = Begin(WordCount("/out"));
  auto first = Commit(WordCount("/out"));
  EXPECT_FALSE(first.poll(wait_scope_));
  AddWorker("blue").set_objection("/out is not the folder that the master sees");
  auto two = Begin(WordCount("/out"));
  auto second = Commit(WordCount("/out"));
  EXPECT_FALSE(second.poll(wait_scope_));
  Pass(6 * kj::SECONDS);
  const Submitted told = ReadSubmitted(first.wait(wait_scope_).getOutcome());
  EXPECT_TRUE(told.job.is_set());
  EXPECT_EQ(ReadSubmitted(second.wait(wait_scope_).getOutcome()).job, told.job);
}

// Their connections break, and both begin again; none is given what the other has sent.
TEST_F(SubmissionTest, EachCallMakesTheJobOfItsOwnClient) {
  const uint64_t session = OpenSession(1);
  auto one = Begin(WordCount("/one"));
  auto two = Begin(WordCount("/two"));
  const JobId second = Finish(WordCount("/two")).job;
  auto first = Commit(1, session, "request-for-/one").wait(wait_scope_);
  EXPECT_EQ(View(ReadSubmitted(first.getOutcome()).job).output_folder, "/one");
  EXPECT_EQ(View(second).output_folder, "/two");
}

// It was held back, and its submission is gone with its connection: that is no word on the job.
TEST_F(SubmissionTest, ACallWithoutASubmissionMakesNoJobAndRefusesNone) {
  auto executed = Commit(WordCount("/out")).wait(wait_scope_);
  ASSERT_TRUE(executed.getOutcome().isReply());
  EXPECT_EQ(executed.getOutcome().getReply().size(), 0u);
  EXPECT_TRUE(Submit(WordCount("/out")).job.is_set());
}

TEST_F(SubmissionTest, OfTwoJobsWithOneOutputTheSecondIsRefusedNamingTheFirst) {
  const JobId first = Submit(WordCount("/out")).job;
  JobSpec other = WordCount("/out");
  other.request_id = "another";
  EXPECT_THAT(Submit(other).refused,
              HasSubstr("unfinished " + ToString(first) + " writes to /out"));
}

TEST_F(SubmissionTest, AFolderThatAnotherClustersJobWritesToIsRefused) {
  OutputCommitter committer(&fs_);
  const std::string key = JobKey(JobId(1), "fedcba9876543210");
  ASSERT_TRUE(committer.Stage("/out", key, "nonce").ok());
  EXPECT_THAT(Submit(WordCount("/out")).refused, HasSubstr(key + " writes there; wait for it"));
  EXPECT_THAT(*fs_.List("/out/_millrace"), ElementsAre(key));
  EXPECT_THAT(master_->views().Jobs(), IsEmpty());
}

TEST_F(SubmissionTest, AnotherNameOfAFolderDoesNotHideTheJobThatWritesThere) {
  const JobId first = Submit(WordCount("/out")).job;
  JobSpec other = WordCount("/other/../out");
  other.request_id = "another";
  EXPECT_THAT(Submit(other).refused,
              HasSubstr(JobKey(first, "0123456789abcdef") + " writes there"));
  EXPECT_TRUE(Exists(StagingFolder("/out", JobKey(first, "0123456789abcdef"))));
}

TEST_F(SubmissionTest, AnOutputFolderThatIsNotEmptyIsRefused) {
  ASSERT_TRUE(fs_.CreateFolders("/out").ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, "/out/precious", "data").ok());
  EXPECT_THAT(Submit(WordCount("/out")).refused, HasSubstr("/out"));
  EXPECT_FALSE(Exists("/out/_millrace"));
}

TEST_F(SubmissionTest, AHostThatDoesNotSeeTheOutputIsNamedAndNothingIsLeft) {
  AddWorker("red");
  FakeWorker& blue = AddWorker("blue");
  blue.set_objection("/out is not the folder that the master sees");
  const Submitted submitted = Submit(WordCount("/out"));
  EXPECT_THAT(submitted.refused, AllOf(HasSubstr("host-of-blue"),
                                       HasSubstr(": /out is not the folder that the master sees")));
  EXPECT_THAT(master_->views().Jobs(), IsEmpty());
  EXPECT_THAT(blue.mail().released, SizeIs(1));
  EXPECT_FALSE(Exists("/out"));
}

TEST_F(SubmissionTest, OfAChainThatIsRefusedNothingIsLeft) {
  AddWorker("red").set_objection("/out is not the folder that the master sees");
  JobSpec spec = WordCount("/a/out");
  spec.before = {{"count", 2}, {"merge", 3}};
  EXPECT_NE(Submit(spec).refused, "");
  EXPECT_THAT(master_->views().Jobs(), IsEmpty());
  EXPECT_FALSE(Exists("/a"));
}

TEST_F(SubmissionTest, AFolderForMapOutputsThatWasThereOutlivesARefusal) {
  AddWorker("red").set_objection("/out is not the folder that the master sees");
  ASSERT_TRUE(fs_.CreateFolders("/keep").ok());
  JobSpec spec = WordCount("/out");
  spec.keep_folder = "/keep";
  EXPECT_NE(Submit(spec).refused, "");
  EXPECT_THAT(*fs_.List("/keep"), IsEmpty());
}

TEST_F(SubmissionTest, AWorkerThatDoesNotAnswerHoldsUpASubmitForFiveSeconds) {
  FakeWorker& red = AddWorker("red");
  red.set_frozen(true);
  auto submission = Begin(WordCount("/out"));
  auto committed = Commit(WordCount("/out"));
  Pass(4900 * kj::MILLISECONDS);
  EXPECT_FALSE(committed.poll(wait_scope_));
  Pass(200 * kj::MILLISECONDS);
  ASSERT_TRUE(committed.poll(wait_scope_));
  EXPECT_TRUE(committed.wait(wait_scope_).getOutcome().isReply());
}

TEST_F(SubmissionTest, AnIncompleteSubmissionIsRefused) {
  JobSpec spec = WordCount("/out", /*maps=*/3);
  auto request = Jobs().beginRequest();
  Write(spec, request.initSpec());
  auto submission = request.send().wait(wait_scope_).getResult().getSubmission();
  EXPECT_EQ(Finish(spec).refused, "only 0 of 3 input files arrived");
}

TEST_F(SubmissionTest, AnAbandonedSubmissionLeavesNothing) {
  { auto submission = Begin(WordCount("/out")); }
  client_ = nullptr;
  Settle();
  EXPECT_THAT(master_->views().Jobs(), IsEmpty());
  EXPECT_FALSE(Exists("/out"));
  EXPECT_TRUE(Submit(WordCount("/out")).job.is_set());
}

TEST_F(SubmissionTest, SubmissionsUnderWayAreBoundedAndTheNextIsPutOff) {
  std::vector<capnp_master::Submission::Client> open;
  for (size_t i = 0; i < SubmissionBudget::kOpenMax; ++i) {
    open.push_back(Begin(WordCount(absl::StrCat("/out-", i))));
  }
  EXPECT_EQ(BeginPutOff(WordCount("/one-more")),
            "the master is taking in 64 other jobs already, its limit; try again in a moment");
  open.pop_back();
  Settle();
  EXPECT_EQ(BeginPutOff(WordCount("/one-more")), "");
  EXPECT_EQ(BeginRefused(WordCount("/one-more")), "");
}

TEST_F(SubmissionTest, AHundredThousandReducersAreRefused) {
  EXPECT_THAT(BeginRefused(WordCount("/out", 1, 100'000)), HasSubstr("reducers"));
}

// --- The binary ---

TEST_F(SubmissionTest, ABinaryFromAnotherHostIsSentAndServedToWorkers) {
  auto submission = Begin(WordCount("/out"));
  EXPECT_TRUE(NeedsBinary(submission));
  AddBinary(submission, 0, "the ");
  AddBinary(submission, 4, "program");
  const JobId job = Finish(WordCount("/out")).job;
  ASSERT_TRUE(job.is_set());
  EXPECT_EQ(FetchBinary(job), "the program");
  EXPECT_FALSE(NeedsBinary(Begin(WordCount("/another"))));
}

TEST_F(SubmissionTest, WhatNeedNotBeSentStaysUntilTheJobThatNeedsItIsThere) {
  const JobId first = SubmitWithBinary();
  auto second = Begin(WordCount("/another"));
  EXPECT_FALSE(NeedsBinary(second));
  AddNewerBinaries();
  Cancel(first);
  EXPECT_EQ(FetchBinary(Finish(WordCount("/another")).job), "the program");
}

TEST_F(SubmissionTest, WhatNobodyNeedsAnyMoreGoesWhenThereIsMuchThatIsNewer) {
  const JobId job = SubmitWithBinary();
  { auto abandoned = Begin(WordCount("/another")); }
  Settle();
  AddNewerBinaries();
  Cancel(job);
  EXPECT_TRUE(NeedsBinary(Begin(WordCount("/another"))));
}

TEST_F(SubmissionTest, ABinaryThatArrivesDamagedIsRefused) {
  auto submission = Begin(WordCount("/out"));
  AddBinary(submission, 0, "the pr0gram");
  EXPECT_THAT(Finish(WordCount("/out")).refused, HasSubstr("are not those that it announced"));
  submission = Begin(WordCount("/out"));
  EXPECT_ANY_THROW(AddBinary(submission, 4, "program"));  // a gap
}

TEST_F(SubmissionTest, ABinaryOnThisHostIsUsedWhereItLies) {
  ASSERT_TRUE(fs_.CreateFolders("/bin").ok());
  ASSERT_TRUE(WriteFileAtomically(fs_, "/bin/wordcount", "the program").ok());
  const FileInfo info = *fs_.Stat("/bin/wordcount");
  JobSpec spec = WordCount("/out");
  spec.binary.host_id = "host-of-master";
  spec.binary.mtime_ns = info.mtime_ns;
  spec.binary.inode = info.inode;
  auto submission = Begin(spec);
  EXPECT_FALSE(NeedsBinary(submission));
  const JobId job = Finish(spec).job;
  EXPECT_EQ(FetchBinary(job), "the program");

  ASSERT_TRUE(WriteFileAtomically(fs_, "/bin/wordcount", "the changed").ok());
  EXPECT_THAT(FetchBinary(job), HasSubstr("was changed after the job was submitted"));
}

TEST_F(SubmissionTest, SideFilesAreSentBesideTheBinaryWhereverTheClientIs) {
  JobSpec spec = WordCount("/out");
  JobBinary file = spec.binary;
  file.host_id = "host-of-master";
  file.name = "map.py";
  file.sha256 = Sha256Hex("the mapper");
  file.size = 10;
  spec.side_files = {file};
  file.name = "empty";
  file.sha256 = Sha256Hex("");
  file.size = 0;
  spec.side_files.push_back(file);
  auto submission = Begin(spec);
  EXPECT_TRUE(NeedsBinary(submission, "map.py"));
  EXPECT_TRUE(NeedsBinary(submission, "empty"));
  EXPECT_ANY_THROW(NeedsBinary(submission, "other"));
  AddBinary(submission, 0, "the ", "map.py");
  AddBinary(submission, 0, "the program");
  AddBinary(submission, 4, "mapper", "map.py");
  AddBinary(submission, 0, "", "empty");
  const JobId job = Finish(spec).job;
  ASSERT_TRUE(job.is_set());
  EXPECT_EQ(FetchBinary(job), "the program");
  EXPECT_EQ(FetchBinary(job, "map.py"), "the mapper");
  EXPECT_EQ(FetchBinary(job, "empty"), "");
  EXPECT_THAT(FetchBinary(job, "other"), HasSubstr("has no side file 'other'"));
}

TEST_F(SubmissionTest, TheBinaryOfAnUnknownJobIsRefused) {
  EXPECT_THAT(FetchBinary(JobId(99)), HasSubstr("job-99 is not known"));
}

}  // namespace
}  // namespace millrace
