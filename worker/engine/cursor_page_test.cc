#include "worker/engine/cursor_page.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace millrace {
namespace {

TEST(CursorPageTest, DescribesTheCurrentRecord) {
  CursorPage page;
  EXPECT_EQ(page.DescribePosition(), "");
  const std::string chunk = "first\nsecond\n";
  page.EnterChunk("/data/part-7.txt", 10417, chunk);
  EXPECT_EQ(page.DescribePosition(), "/data/part-7.txt:10417");
  page.cursor()->record = chunk.data() + 6;
  EXPECT_EQ(page.DescribePosition(), "/data/part-7.txt:10423");
  page.Leave();
  EXPECT_EQ(page.DescribePosition(), "");
}

TEST(CursorPageTest, SaysHowFarTheRecordIsIntoItsChunk) {
  CursorPage page;
  EXPECT_EQ(page.BytesIntoChunk(), 0u);
  const std::string chunk = "first\nsecond\n";
  page.EnterChunk("/data/part-7.txt", 10417, chunk);
  page.cursor()->record = chunk.data() + 6;
  EXPECT_EQ(page.BytesIntoChunk(), 6u);
  page.cursor()->record = chunk.data() - 1;  // left from another chunk
  EXPECT_EQ(page.BytesIntoChunk(), 0u);
  page.Leave();
  EXPECT_EQ(page.BytesIntoChunk(), 0u);
}

TEST(CursorPageTest, KeepsTheEndOfAPathThatIsTooLong) {
  CursorPage page;
  page.EnterChunk(std::string(5000, 'd') + "/file", 1, "chunk");
  const std::string position = page.DescribePosition();
  EXPECT_LT(position.size(), 2100u);
  EXPECT_EQ(position.substr(position.size() - 7), "/file:1");
}

TEST(CursorPageTest, SaysNothingOfARecordOutsideTheChunk) {
  CursorPage page;
  const std::string chunk = "chunk";
  page.EnterChunk("/file", 0, chunk);
  page.cursor()->record = chunk.data() + 100;
  EXPECT_EQ(page.DescribePosition(), "");
}

TEST(CursorPageTest, MapperCrashPositionSurvivesInACopyOfThePage) {
  auto page = std::make_unique<CursorPage>();
  const std::string chunk = "abc";
  page->EnterChunk("/file", 7, chunk);
  alignas(CursorPage) char copy[sizeof(CursorPage)];
  std::memcpy(copy, page.get(), sizeof(copy));
  page.reset();
  EXPECT_EQ(reinterpret_cast<const CursorPage*>(copy)->DescribePosition(), "/file:7");
}

TEST(CursorPageTest, ARecordIsKnownForCertainWhenTheMapperHasNoOther) {
  CursorPage page;
  const std::string chunk = "first\nsecond\n";
  page.EnterChunk("/in/a", 100, chunk);
  page.cursor()->record = chunk.data() + 6;
  EXPECT_EQ(page.Record(), (InputRecord{"/in/a", 106, 0}));
  page.EnterRecord("/in/a", 100, std::string_view(chunk).substr(0, 6));
  page.cursor()->record = chunk.data() + 4;  // the mapper stands at the second word
  EXPECT_EQ(page.Record(), (InputRecord{"/in/a", 100, 6}));
  page.EnterChunk("/in/a", 100, chunk);
  EXPECT_EQ(page.Record().bytes, 0u);
  page.Leave();
  EXPECT_EQ(page.Record(), InputRecord());
}

TEST(CursorPageTest, ARecordOfAPathThatWasCutIsUnknown) {
  CursorPage page;
  for (const std::string& path :
       {"/" + std::string(2047, 'd'), "/d/" + std::string(2045, 'e') + "/" + std::string(1000, 'f'),
        std::string("/d") + "/" + std::string(2046, 'f')}) {
    page.EnterRecord(path, 0, "record");
    EXPECT_EQ(page.Record(), InputRecord());
  }
  page.EnterRecord("/" + std::string(2045, 'd'), 0, "record");
  EXPECT_EQ(page.Record().bytes, 6u);
}

TEST(CursorPageTest, APathThatFillsThePageIsCutByOneByte) {
  CursorPage page;
  page.EnterChunk("/" + std::string(2047, 'd'), 0, "chunk");
  EXPECT_EQ(page.DescribePosition(), std::string(2047, 'd') + ":0");
}

TEST(CursorPageTest, OutsideAChunkThereIsNoRecord) {
  CursorPage page;
  const std::string chunk = "chunk";
  page.EnterChunk("/file", 0, chunk);
  page.Leave();
  page.cursor()->record = chunk.data();
  EXPECT_EQ(page.DescribePosition(), "");
}

}  // namespace
}  // namespace millrace
