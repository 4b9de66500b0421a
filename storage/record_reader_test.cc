#include "storage/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mapreduce/key_value.h"
#include "storage/compressed_source.h"
#include "storage/faulty_file_system.h"
#include "storage/memory_file_system.h"

namespace millrace {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPath[] = "/text";

// A file and a reader of it.
class RecordReaderTest : public ::testing::Test {
 protected:
  void Write(const std::string& content) {
    auto file = fs_.OpenForWriting(kPath).value();
    ASSERT_TRUE(file->Append(content).ok());
    ASSERT_TRUE(file->Close().ok());
    FileInfo info = fs_.Stat(kPath).value();
    file_ = InputFile{kPath, info.size, info.mtime_ns};
  }
  void WriteZstd(const std::string& frames) {
    Write(frames);
    file_.compression = Compression::kZstd;
  }

  FileRange Range(uint64_t offset, uint64_t length) { return FileRange{file_, offset, length}; }
  FileRange Whole() { return Range(0, file_.size); }

  // Adds the chunks of a range, and tells how it ended.
  absl::Status Read(const FileRange& range, std::vector<std::string>* chunks) {
    RecordReader reader(&fs_, options_);
    absl::Status status = reader.Open(range);
    InputChunk chunk;
    while (status.ok()) {
      absl::StatusOr<bool> more = reader.Next(&chunk);
      status = more.status();
      if (!status.ok() || !*more) break;
      chunks->emplace_back(chunk.data);
    }
    return status;
  }

  // The chunks of a range, or the status where it ended as the last one.
  std::vector<std::string> Chunks(const FileRange& range) {
    std::vector<std::string> chunks;
    const absl::Status status = Read(range, &chunks);
    if (!status.ok()) chunks.push_back(status.ToString());
    return chunks;
  }

  // How reading a range ends.
  absl::Status EndOf(const FileRange& range) {
    std::vector<std::string> chunks;
    return Read(range, &chunks);
  }

  // All data of a range.
  std::string Data(const FileRange& range) {
    std::string data;
    for (const std::string& chunk : Chunks(range)) data += chunk;
    return data;
  }

  // Where the file can be cut; refuses damage.
  absl::StatusOr<std::vector<uint64_t>> Cuts(uint64_t piece_bytes) {
    return FindCuts(fs_, file_, piece_bytes, OnDamage::kRefuse);
  }

  MemoryFileSystem fs_;
  InputFile file_;
  RecordReader::Options options_;
};

// --- Which lines belong to a range ---

TEST_F(RecordReaderTest, AWholeFileIsOneChunkIfItIsShort) {
  Write("one\ntwo\n");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("one\ntwo\n"));
}

TEST_F(RecordReaderTest, ALineBelongsToTheRangeInWhichItBegins) {
  Write("one\ntwo\nthree\n");
  EXPECT_EQ(Data(Range(0, 5)), "one\ntwo\n");
  EXPECT_EQ(Data(Range(5, 9)), "three\n");
}

TEST_F(RecordReaderTest, ARangeThatBeginsAtALineKeepsIt) {
  Write("one\ntwo\nthree\n");
  EXPECT_EQ(Data(Range(0, 4)), "one\n");
  EXPECT_EQ(Data(Range(4, 4)), "two\n");
  EXPECT_EQ(Data(Range(8, 6)), "three\n");
}

TEST_F(RecordReaderTest, ARangeInsideOneLineHasNothing) {
  Write("a very long line\nnext\n");
  EXPECT_EQ(Data(Range(0, 3)), "a very long line\n");
  EXPECT_THAT(Chunks(Range(3, 5)), IsEmpty());
  EXPECT_THAT(Chunks(Range(8, 9)), IsEmpty());  // ends with the line
  EXPECT_EQ(Data(Range(8, 10)), "next\n");
}

TEST_F(RecordReaderTest, TheLastLineMayLackItsEnd) {
  Write("one\ntwo");
  EXPECT_EQ(Data(Whole()), "one\ntwo");
  EXPECT_EQ(Data(Range(4, 3)), "two");
  EXPECT_THAT(Chunks(Range(5, 2)), IsEmpty());
}

TEST_F(RecordReaderTest, EmptyLinesAreLines) {
  Write("\n\n\n");
  EXPECT_EQ(Data(Range(0, 1)), "\n");
  EXPECT_EQ(Data(Range(1, 2)), "\n\n");
}

TEST_F(RecordReaderTest, AnEmptyFileOrRangeHasNothing) {
  Write("");
  EXPECT_THAT(Chunks(Whole()), IsEmpty());
  Write("one\n");
  EXPECT_THAT(Chunks(Range(2, 0)), IsEmpty());
}

TEST_F(RecordReaderTest, BytesAreBytes) {
  const std::string content("one\r\n\0\xff\xfe\n\xc3", 10);
  Write(content);
  EXPECT_EQ(Data(Whole()), content);
}

// --- Buffers ---

TEST_F(RecordReaderTest, ChunksEndAtLinesWhateverIsReadAtOnce) {
  options_.read_bytes = 6;
  Write("ab\ncd\nefgh\nij\n");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("ab\ncd\n", "efgh\n", "ij\n"));
}

TEST_F(RecordReaderTest, LinesLongerThanABufferAreWhole) {
  options_.read_bytes = 1000;
  const std::string long_line(300'000, 'x');
  Write("a\n" + long_line + "\nb\n");
  EXPECT_THAT(Chunks(Range(0, 3)), ElementsAre("a\n", long_line + "\n"));
  EXPECT_THAT(Chunks(Range(3, 200'000)), IsEmpty());
  EXPECT_THAT(Chunks(Range(200'000, 100'005)), ElementsAre("b\n"));
}

TEST_F(RecordReaderTest, ARecordThatIsTooLongIsNamedWithItsPosition) {
  options_.read_bytes = 10;
  options_.max_record_bytes = 20;
  Write("short\n" + std::string(100, 'x') + "\n");
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre("short\n",
                          HasSubstr("/text:6: the line that begins here has more than 20 bytes")));
}

TEST_F(RecordReaderTest, RecordsUpToTheLimitAreAccepted) {
  options_.read_bytes = 7;
  options_.max_record_bytes = 20;
  const std::string line = std::string(20, 'x') + "\n";
  Write("a\n" + line + line);
  EXPECT_EQ(Data(Whole()), "a\n" + line + line);
}

TEST_F(RecordReaderTest, ZeroesFollowEveryChunk) {
  options_.read_bytes = 100;
  std::string content;
  for (int i = 0; i < 100; ++i) content += "line " + std::to_string(i) + "\n";
  Write(content);
  RecordReader reader(&fs_, options_);
  ASSERT_TRUE(reader.Open(Whole()).ok());
  InputChunk chunk;
  std::string read;
  while (reader.Next(&chunk).value()) {
    const char* end = chunk.data.data() + chunk.data.size();
    EXPECT_TRUE(std::all_of(end, end + ChunkBuffer::kSlackBytes, [](char c) { return c == 0; }));
    EXPECT_EQ(chunk.offset, read.size());
    read += chunk.data;
  }
  EXPECT_EQ(read, content);
}

TEST_F(RecordReaderTest, OneReaderReadsManyRanges) {
  Write("one\ntwo\nthree\n");
  RecordReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Range(8, 6)).ok());
  EXPECT_TRUE(reader.Next(&chunk).value());
  ASSERT_TRUE(reader.Open(Range(0, 4)).ok());  // although the other was not finished
  EXPECT_TRUE(reader.Next(&chunk).value());
  EXPECT_EQ(chunk.data, "one\n");
  EXPECT_FALSE(reader.Next(&chunk).value());
  EXPECT_FALSE(reader.Next(&chunk).value());
}

// --- Whole files ---

TEST_F(RecordReaderTest, AWholeFileIsOneRecord) {
  options_.shape.format = InputFormat::kWholeFile;
  options_.read_bytes = 4;
  Write("one\ntwo\nthree");
  EXPECT_THAT(Chunks(Whole()), ElementsAre("one\ntwo\nthree"));
}

TEST_F(RecordReaderTest, AWholeFileMayBeTooLong) {
  options_.shape.format = InputFormat::kWholeFile;
  options_.max_record_bytes = 3;
  Write("1234");
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre(HasSubstr("/text:0: the whole file is one record, and has")));
}

TEST_F(RecordReaderTest, AWholeFileCannotBeCut) {
  options_.shape.format = InputFormat::kWholeFile;
  Write("1234");
  EXPECT_THAT(Chunks(Range(0, 2)), ElementsAre(HasSubstr("INVALID_ARGUMENT")));
}

// --- Other terminators, and none ---

TEST_F(RecordReaderTest, NulSeparatedRecordsBelongToTheRangeInWhichTheyBegin) {
  options_.shape.format = InputFormat::kNulSeparated;
  Write(std::string("one\0two\nthree\0four", 18));
  EXPECT_EQ(Data(Range(0, 5)), std::string("one\0two\nthree\0", 14));
  EXPECT_EQ(Data(Range(5, 13)), "four");
}

TEST_F(RecordReaderTest, RecordsOfAFixedSizeBelongToTheRangeInWhichTheyBegin) {
  options_.shape = {InputFormat::kFixedSize, 3};
  options_.read_bytes = 4;
  Write("aaabbbcccddd");
  EXPECT_EQ(Data(Range(0, 4)), "aaabbb");
  EXPECT_EQ(Data(Range(4, 2)), "");
  EXPECT_EQ(Data(Range(6, 6)), "cccddd");
}

TEST_F(RecordReaderTest, ARestThatIsNoRecordIsNamed) {
  options_.shape = {InputFormat::kFixedSize, 3};
  Write("aaabb");
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre("aaa", HasSubstr("/text:3: the last record has 2 bytes, not 3")));
}

RC_GTEST_FIXTURE_PROP(RecordReaderTest, AnySplitsGiveEveryFixedRecordOnceAndInOrder, ()) {
  const uint32_t record = *rc::gen::inRange<uint32_t>(1, 9);
  const std::string content = *rc::gen::container<std::string>(
      record * *rc::gen::inRange<size_t>(0, 20), rc::gen::arbitrary<char>());
  options_.shape = {InputFormat::kFixedSize, record};
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  Write(content);
  std::string data;
  const uint64_t split_bytes = *rc::gen::inRange<uint64_t>(1, 30);
  for (const InputSplit& split : MakeSplits({file_}, split_bytes, InputFormat::kFixedSize)) {
    for (const FileRange& range : split) {
      for (const std::string& chunk : Chunks(range)) {
        RC_ASSERT(chunk.size() % record == 0);
        data += chunk;
      }
    }
  }
  RC_ASSERT(data == content);
}

// --- Compressed files ---

std::string Gzip(const std::string& content) {
  z_stream stream = {};
  constexpr int kGzip = 16 + MAX_WBITS;
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(&packed[0]);
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Where the size of a frame's content is not in its header, that of a window is.
enum class SizeInHeader { kNo, kYes };

// With a checksum.
std::string Zstd(const std::string& content, SizeInHeader size = SizeInHeader::kYes) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, size == SizeInHeader::kYes ? 1 : 0);
  std::string packed(ZSTD_compressBound(content.size()) + 4, '\0');
  packed.resize(ZSTD_compress2(context, &packed[0], packed.size(), content.data(), content.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

TEST_F(RecordReaderTest, AGzipFileGivesWhatAllItsMembersHold) {
  Write(Gzip("one\ntw") + Gzip("") + Gzip("o\nthree"));
  file_.compression = Compression::kGzip;
  options_.read_bytes = 4;
  EXPECT_EQ(Data(Whole()), "one\ntwo\nthree");
}

TEST_F(RecordReaderTest, ACompressedFileMayBeOneRecord) {
  options_.shape.format = InputFormat::kWholeFile;
  options_.read_bytes = 4;
  Write(Zstd("one\ntwo\nthree"));
  file_.compression = Compression::kZstd;
  EXPECT_THAT(Chunks(Whole()), ElementsAre("one\ntwo\nthree"));
}

TEST_F(RecordReaderTest, DamageInACompressedFileIsNamedWithItsOffset) {
  std::string packed = Zstd(std::string(1000, 'a') + "b\n");
  const std::string whole = packed;
  packed[0] ^= 1;
  Write(packed);
  file_.compression = Compression::kZstd;
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("/text:0: damaged zstd data")));
  Write(whole.substr(0, whole.size() - 1));
  file_.compression = Compression::kZstd;
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("the file ends inside compressed data")));
  Write("no gzip at all\n");
  file_.compression = Compression::kGzip;
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("/text:2: damaged gzip data")));
}

TEST_F(RecordReaderTest, FramesAreFoundWithoutDecompressingThem) {
  const std::string first = Zstd(std::string(100'000, 'x'));
  const std::string skippable("\x50\x2a\x4d\x18\3\0\0\0abc", 11);
  const std::string second = Zstd("two\n");
  Write(first + skippable + second + second);
  file_.compression = Compression::kZstd;
  EXPECT_THAT(Cuts(/*piece_bytes=*/1).value(),
              ElementsAre(first.size(), first.size() + 11, first.size() + 11 + second.size()));
  EXPECT_THAT(Cuts(/*piece_bytes=*/first.size() + 1).value(), ElementsAre(first.size() + 11));
  WriteZstd("no zstd");
  EXPECT_THAT(std::string(Cuts(/*piece_bytes=*/1).status().message()),
              HasSubstr("/text:0: no zstd frame begins here"));
}

TEST_F(RecordReaderTest, ForAJobThatStepsOverDamageAFileIsCutUpToIt) {
  const std::string frame = Zstd("one\n");
  std::string damaged = frame;
  damaged[0] ^= 1;
  WriteZstd(frame + frame + damaged + frame);
  EXPECT_THAT(std::string(Cuts(/*piece_bytes=*/1).status().message()),
              HasSubstr(absl::StrCat("/text:", 2 * frame.size(), ": no zstd frame begins here")));
  EXPECT_THAT(FindCuts(fs_, file_, /*piece_bytes=*/1, OnDamage::kStop).value(),
              ElementsAre(frame.size()));
}

TEST_F(RecordReaderTest, AFileThatCannotBeReadIsNotCutWhateverTheJobStepsOver) {
  WriteZstd(Zstd("one\n") + Zstd("two\n"));
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kRead, 1, absl::DataLossError("/text: the device failed"));
  EXPECT_TRUE(absl::IsDataLoss(FindCuts(faulty, file_, 1, OnDamage::kStop).status()));
}

// Lines do not end where frames end, and yet each is read once.
RC_GTEST_FIXTURE_PROP(RecordReaderTest, AnyFramesGiveEveryLineExactlyOnceAndInOrder, ()) {
  const auto byte = rc::gen::weightedElement<char>({{5, 'a'}, {2, '\n'}});
  const auto frames =
      *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(byte));
  std::string content, packed;
  for (const std::string& frame : frames) {
    content += frame;
    packed += Zstd(frame);
  }
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  Write(packed);
  file_.compression = Compression::kZstd;
  const uint64_t split_bytes = *rc::gen::inRange<uint64_t>(1, 60);
  file_.cuts = Cuts(split_bytes).value();
  std::string data;
  for (const InputSplit& split : MakeSplits({file_}, split_bytes, InputFormat::kLines)) {
    for (const FileRange& range : split) data += Data(range);
  }
  RC_ASSERT(data == content);
}

TEST_F(RecordReaderTest, ADamagedFrameIsNamedAndCanBeSteppedOver) {
  const std::string first = Zstd("one\ntw"), bad = Zstd("o\nthree\nfo"), last = Zstd("ur\nfive\n");
  for (const size_t place : {size_t{0}, bad.size() - 1}) {  // in the header, in the checksum
    std::string damaged = bad;
    damaged[place] ^= 1;
    WriteZstd(absl::StrCat(first, damaged, last));
    std::vector<InputRecord> skip;
    options_.skipped_frames = &skip;
    const absl::Status status = EndOf(Whole());
    const InputRecord frame{kPath, first.size(), damaged.size()};
    EXPECT_EQ(BadFrameOf(status), frame) << status;
    skip = {frame};
    EXPECT_EQ(Data(Whole()), "one\nfive\n");
  }
}

// As the attempts of a job do it: what one finds damaged, the next steps over. The file is cut
// after it was damaged.
TEST_F(RecordReaderTest, AFlippedBitCostsNoMoreThanItsFrameWhereverItIs) {
  for (const SizeInHeader size : {SizeInHeader::kYes, SizeInHeader::kNo}) {
    const std::string first = Zstd("one\ntw", size), last = Zstd("ur\nfive\n", size);
    const std::string good = Zstd("o\nthree\nfo", size);
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      SCOPED_TRACE(absl::StrCat("bit ", bit));
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      WriteZstd(absl::StrCat(first, bad, last));
      file_.cuts = FindCuts(fs_, file_, /*piece_bytes=*/1, OnDamage::kStop).value();
      std::vector<InputRecord> skip;
      options_.skipped_frames = &skip;
      std::string data;
      for (const InputSplit& split : MakeSplits({file_}, 1, InputFormat::kLines)) {
        const FileRange& range = split.front();
        if (const auto frame = BadFrameOf(EndOf(range)); frame.has_value()) skip.push_back(*frame);
        data += Data(range);
      }
      // Some bits mean nothing; without the one that says so, the checksum alone is damage.
      EXPECT_THAT(data,
                  AnyOf("one\ntwo\nthree\nfour\nfive\n", "one\ntwo\nthree\nfive\n", "one\nfive\n"));
    }
  }
}

// It may be intact, made by `zstd --long`; a flipped bit in its header says the same.
TEST_F(RecordReaderTest, AFrameWithALargeWindowIsNamedAndCanBeSteppedOver) {
  const std::string first = Zstd("zero\n"), last = Zstd("two\nthree\n");
  for (const char window : {'\x90', '\xD8'}) {  // 2^28, and 2^37, which no zstd writes
    // Magic, no size of the content, the window; then one last block of 4 bytes as they are.
    std::string large("\x28\xB5\x2F\xFD\x00?\x21\x00\x00one\n", 13);
    large[5] = window;
    WriteZstd(absl::StrCat(first, large, last));
    options_.skipped_frames = nullptr;
    const std::string problem =
        absl::StrCat("/text:", first.size(), ": this zstd frame needs a window of more than");
    EXPECT_THAT(std::string(EndOf(Whole()).message()), HasSubstr(problem));
    EXPECT_FALSE(BadFrameOf(EndOf(Whole())).has_value());
    std::vector<InputRecord> skip;
    options_.skipped_frames = &skip;
    const InputRecord frame{kPath, first.size(), large.size()};
    EXPECT_EQ(BadFrameOf(EndOf(Whole())), frame);
    skip = {frame};
    EXPECT_EQ(Data(Whole()), "zero\nthree\n");
  }
}

TEST_F(RecordReaderTest, WithoutLeaveNoFrameIsNamed) {
  std::string packed = Zstd("one\n");
  packed[0] ^= 1;
  WriteZstd(packed);
  EXPECT_FALSE(BadFrameOf(EndOf(Whole())).has_value());
}

// What of lines lies before and behind the gap is left out with the frame; no other line is.
RC_GTEST_FIXTURE_PROP(RecordReaderTest, AroundAGapWholeLinesAreReadOnce, ()) {
  const auto byte = rc::gen::weightedElement<char>({{5, 'a'}, {2, '\n'}});
  const auto frames = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(byte)));
  const size_t bad = *rc::gen::inRange<size_t>(0, frames.size());
  std::string packed, before, behind;
  InputRecord gap{kPath, 0, 0};
  for (size_t i = 0; i < frames.size(); ++i) {
    const std::string frame = Zstd(frames[i]);
    if (i == bad) gap = {kPath, packed.size(), frame.size()};
    if (i != bad) (i < bad ? before : behind) += frames[i];
    packed += frame;
  }
  const uint64_t split_bytes = *rc::gen::inRange<uint64_t>(1, 60);
  WriteZstd(packed);
  const std::vector<uint64_t> cuts = Cuts(split_bytes).value();
  packed[gap.offset] ^= 1;
  WriteZstd(packed);
  file_.cuts = cuts;
  const std::vector<InputRecord> skip = {gap};
  options_.skipped_frames = &skip;
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  std::string data;
  for (const InputSplit& split : MakeSplits({file_}, split_bytes, InputFormat::kLines)) {
    for (const FileRange& range : split) data += Data(range);
  }
  before.resize(before.rfind('\n') + 1);
  const size_t end = behind.find('\n');
  RC_ASSERT(data == before + (end == std::string::npos ? "" : behind.substr(end + 1)));
}

// --- Key/value files ---

std::string Pair(const std::string& key, const std::string& value) {
  std::string pair(kKeyValueHeaderBytes, '\0');
  PutKeyValueHeader(key.size(), value.size(), &pair[0]);
  return pair + key + value;
}

std::string Block(const std::string& payload, uint32_t records) {
  return KeyValueBlockHeader(payload, records) + payload;
}

TEST_F(RecordReaderTest, ABlockOfPairsBelongsToTheRangeInWhichItBegins) {
  options_.shape.format = InputFormat::kKeyValue;
  const std::string one = Pair("a", "1") + Pair("b", "2");
  const std::string two = Pair("c", "3");
  Write(std::string(kKeyValueMagic) + Block(one, 2) + Block(two, 1));
  EXPECT_THAT(Chunks(Whole()), ElementsAre(one, two));
  EXPECT_THAT(Chunks(Range(0, 9)), ElementsAre(one));
  EXPECT_THAT(Chunks(Range(9, 10)), IsEmpty());
  EXPECT_THAT(Chunks(Range(9, file_.size - 9)), ElementsAre(two));
}

TEST_F(RecordReaderTest, DamageInAKeyValueFileIsNamedWithItsOffset) {
  options_.shape.format = InputFormat::kKeyValue;
  const std::string good = std::string(kKeyValueMagic) + Block(Pair("a", "1"), 1);
  std::string bad = good;
  bad.back() ^= 1;
  Write(bad);
  EXPECT_THAT(Chunks(Whole()),
              ElementsAre(HasSubstr("/text:8: damaged key/value file: a block's checksum")));
  Write(good.substr(0, good.size() - 1));
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("the file ends inside a block")));
  Write(std::string(kKeyValueMagic) + Block(Pair("a", "1"), 2));
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("does not hold the pairs")));
  Write("plain text\n");
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("/text: no key/value file")));
}

TEST_F(RecordReaderTest, OnlyAPairThatIsAloneInItsBlockIsTooLongOtherLengthsAreDamage) {
  options_.shape.format = InputFormat::kKeyValue;
  options_.max_record_bytes = 1000;
  const std::string payload(kKeyValueBlockBytes + options_.max_record_bytes + 1, 'x');
  Write(std::string(kKeyValueMagic) + Block(payload, 1));
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("/text:8: a block of 525289 bytes")));
  Write(std::string(kKeyValueMagic) + Block(payload, 2));
  EXPECT_THAT(Chunks(Whole()), ElementsAre(HasSubstr("/text:8: damaged key/value file")));
}

// --- Input that changes ---

TEST_F(RecordReaderTest, AnotherSizeMeansThatTheInputChanged) {
  Write("one\n");
  const FileRange range = Whole();
  Write("one\ntwo\n");
  RecordReader reader(&fs_, options_);
  absl::Status status = reader.Open(range);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("input changed since the job was submitted: /text (size was 4, is 8)"));
}

TEST_F(RecordReaderTest, AnotherTimeMeansThatTheInputChanged) {
  Write("one\n");
  const FileRange range = Whole();
  Write("two\n");
  EXPECT_THAT(Chunks(range), ElementsAre(HasSubstr("/text (same size, but written to since)")));
}

TEST_F(RecordReaderTest, AFileThatShrinksWhileItIsReadIsNoticed) {
  options_.read_bytes = 4;
  Write("one\ntwo\n");
  RecordReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  ASSERT_TRUE(reader.Next(&chunk).value());
  Write("one\n");
  absl::Status status = reader.Next(&chunk).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("size was 8, is 4"));
}

TEST_F(RecordReaderTest, AFileWrittenToWhileItIsReadIsNoticedAtTheEnd) {
  Write("one\ntwo\n");
  RecordReader reader(&fs_, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  ASSERT_TRUE(reader.Next(&chunk).value());
  Write("ONE\nTWO\n");
  EXPECT_EQ(reader.Next(&chunk).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RecordReaderTest, ErrorsOfTheDiskPassThrough) {
  Write("one\n");
  FaultyFileSystem faulty(&fs_);
  faulty.FailNth(FileOperation::kRead, 1, absl::DataLossError("the device failed"));
  RecordReader reader(&faulty, options_);
  InputChunk chunk;
  ASSERT_TRUE(reader.Open(Whole()).ok());
  EXPECT_EQ(reader.Next(&chunk).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecordReaderTest, AMissingFileIsNotFound) {
  RecordReader reader(&fs_, options_);
  FileRange range{InputFile{"/none", 4, 1}, 0, 4};
  EXPECT_EQ(reader.Open(range).code(), absl::StatusCode::kNotFound);
}

TEST_F(RecordReaderTest, ARangeMustLieInTheFile) {
  Write("one\n");
  RecordReader reader(&fs_, options_);
  EXPECT_EQ(reader.Open(Range(2, 3)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.Open(Range(1, ~uint64_t{0})).code(), absl::StatusCode::kInvalidArgument);
}

// --- The property that everything rests on ---

// Lines of `text` with their ends, cut by hand.
std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return lines;
}

RC_GTEST_FIXTURE_PROP(RecordReaderTest, AnySplitsGiveEveryLineExactlyOnceAndInOrder, ()) {
  const auto byte =
      rc::gen::weightedElement<char>({{6, 'a'}, {3, '\n'}, {1, '\r'}, {1, '\0'}, {1, '\xff'}});
  const std::string content = *rc::gen::container<std::string>(byte);
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  const uint64_t split_bytes = *rc::gen::inRange<uint64_t>(1, 30);
  Write(content);

  std::vector<std::string> lines;
  for (const InputSplit& split : MakeSplits({file_}, split_bytes, InputFormat::kLines)) {
    for (const FileRange& range : split) {
      for (const std::string& chunk : Chunks(range)) {
        RC_ASSERT(!chunk.empty());
        for (const std::string& line : LinesOf(chunk)) lines.push_back(line);
      }
    }
  }
  RC_ASSERT(lines == LinesOf(content));
}

// A line is in the range that holds its first byte, and nowhere else.
RC_GTEST_FIXTURE_PROP(RecordReaderTest, AnyRangeHasTheLinesThatBeginInIt, ()) {
  const auto byte = rc::gen::weightedElement<char>({{5, 'a'}, {2, '\n'}});
  const std::string content = *rc::gen::container<std::string>(byte);
  options_.read_bytes = *rc::gen::inRange<uint64_t>(1, 20);
  const uint64_t offset = *rc::gen::inRange<uint64_t>(0, content.size() + 1);
  const uint64_t length = *rc::gen::inRange<uint64_t>(0, content.size() - offset + 1);
  Write(content);

  std::string expected;
  uint64_t begin = 0;
  for (const std::string& line : LinesOf(content)) {
    if (begin >= offset && begin < offset + length) expected += line;
    begin += line.size();
  }
  RC_ASSERT(Data(Range(offset, length)) == expected);
}

}  // namespace
}  // namespace millrace
