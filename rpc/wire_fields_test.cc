// What is believed of a foreign message, field by field.
#include "rpc/wire_fields.h"

#include <capnp/message.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/wire.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// What is wrong with a field, as one reader says it; empty: nothing.
std::string Complaint(const std::function<void(FieldReader&)>& read) {
  FieldReader fields;
  read(fields);
  return std::string(fields.status().message());
}

std::string ComplaintOfText(const std::string& text, size_t max_bytes = 10) {
  return Complaint([&](FieldReader& f) { f.Text("field", ToText(text), max_bytes); });
}
std::string ComplaintOfPath(const std::string& text) {
  return Complaint([&](FieldReader& f) { f.Path("field", ToText(text)); });
}
std::string ComplaintOfFileName(const std::string& text) {
  return Complaint([&](FieldReader& f) { f.FileName("field", ToText(text)); });
}
std::string ComplaintOfAddress(const std::string& text) {
  return Complaint([&](FieldReader& f) { f.Address("field", ToText(text)); });
}

// A list of texts in a message of its own.
class Texts {
 public:
  explicit Texts(const std::vector<std::string>& texts)
      : list_(message_.getOrphanage().newOrphan<capnp::List<capnp::Text>>(
            static_cast<capnp::uint>(texts.size()))) {
    WriteTexts(texts, list_.get());
  }
  capnp::List<capnp::Text>::Reader Reader() { return list_.getReader(); }

 private:
  capnp::MallocMessageBuilder message_;
  capnp::Orphan<capnp::List<capnp::Text>> list_;
};

std::string ComplaintOfArguments(const std::vector<std::string>& texts) {
  Texts list(texts);
  return Complaint([&](FieldReader& f) { f.Arguments("field", list.Reader()); });
}
std::string ComplaintOfEnvironment(const std::vector<std::string>& texts) {
  Texts list(texts);
  return Complaint([&](FieldReader& f) { f.Environment("field", list.Reader()); });
}

// Counters after one journey.
std::map<std::string, int64_t> Sent(const std::vector<std::pair<std::string, int64_t>>& counters,
                                    FieldReader* fields) {
  capnp::MallocMessageBuilder message;
  auto list = message.getOrphanage().newOrphan<capnp::List<capnp_types::CounterValue>>(
      static_cast<capnp::uint>(counters.size()));
  for (capnp::uint i = 0; i < counters.size(); ++i) {
    list.get()[i].setName(ToText(counters[i].first));
    list.get()[i].setValue(counters[i].second);
  }
  return fields->Counters("field", list.getReader());
}

TEST(FieldReaderTest, RemembersTheFirstThingThatIsWrong) {
  FieldReader fields;
  EXPECT_TRUE(fields.Require(/*holds=*/true, "a", "fine"));
  EXPECT_TRUE(fields.status().ok());
  EXPECT_FALSE(fields.Require(/*holds=*/false, "b", "bad"));
  fields.Refuse("c", "worse");
  EXPECT_EQ(fields.status(), absl::InvalidArgumentError("b: bad"));
}

TEST(FieldReaderTest, TextIsBoundedAndHasNoNul) {
  EXPECT_EQ(ComplaintOfText("0123456789"), "");
  EXPECT_EQ(ComplaintOfText("0123456789a"), "field: too long");
  EXPECT_EQ(ComplaintOfText(std::string("a\0b", 3)), "field: a NUL inside");
  EXPECT_EQ(ComplaintOfText(""), "");
  EXPECT_EQ(Complaint([](FieldReader& f) { f.SomeText("field", "", 10); }), "field: missing");
}

TEST(FieldReaderTest, WhatIsRefusedIsReadAsSomethingHarmless) {
  FieldReader fields;
  EXPECT_EQ(fields.Text("field", "too long", 3), "");
  EXPECT_EQ(fields.Enum<StageKind>("field", 200), StageKind::kMap);
  EXPECT_EQ(fields.Nested("field", absl::StatusOr<int>(absl::InvalidArgumentError("x"))), 0);
}

TEST(FieldReaderTest, APathIsAbsolute) {
  EXPECT_EQ(ComplaintOfPath("/in/a"), "");
  EXPECT_EQ(ComplaintOfPath("in/a"), "field: no absolute path");
  EXPECT_EQ(ComplaintOfPath(""), "field: missing");
  EXPECT_EQ(ComplaintOfPath("/" + std::string(kMaxPathBytes, 'x')), "field: too long");
}

TEST(FieldReaderTest, AFileNameLeadsNowhereElse) {
  EXPECT_EQ(ComplaintOfFileName("job-1..x"), "");
  for (const char* name : {".", "..", "a/b", "/", "../x"}) {
    EXPECT_EQ(ComplaintOfFileName(name), "field: no file name") << name;
  }
}

TEST(FieldReaderTest, AnAddressCanBeDialled) {
  EXPECT_EQ(ComplaintOfAddress("host:7070"), "");
  EXPECT_THAT(ComplaintOfAddress("host:0"), HasSubstr("field: "));
  EXPECT_THAT(ComplaintOfAddress("host"), HasSubstr("field: "));
}

TEST(FieldReaderTest, ArgumentsAreBoundedInNumberAndTogetherInBytes) {
  EXPECT_EQ(ComplaintOfArguments({"job", "", "--flag"}), "");
  EXPECT_EQ(ComplaintOfArguments(std::vector<std::string>(kMaxArguments)), "");
  EXPECT_EQ(ComplaintOfArguments(std::vector<std::string>(kMaxArguments + 1)),
            "field: too many elements");
  const std::string half(kMaxArgumentBytes / 2, 'x');
  EXPECT_EQ(ComplaintOfArguments({half, half}), "");
  EXPECT_EQ(ComplaintOfArguments({half, half, "x"}), "field: too long");
}

TEST(FieldReaderTest, AVariableHasANameAndAValue) {
  EXPECT_EQ(ComplaintOfEnvironment({"A=1", "B=", "C=x=y"}), "");
  EXPECT_EQ(ComplaintOfEnvironment({"A=1", "B"}), "field: an element is not NAME=value");
  EXPECT_EQ(ComplaintOfEnvironment({"=1"}), "field: an element is not NAME=value");
}

TEST(FieldReaderTest, CountersOfOneNameAreSummedAndMayWrap) {
  FieldReader fields;
  EXPECT_THAT(Sent({{"a", 1}, {"b", INT64_MAX}, {"a", 2}, {"b", 1}}, &fields),
              ElementsAre(Pair("a", 3), Pair("b", INT64_MIN)));
  EXPECT_TRUE(fields.status().ok());
}

TEST(FieldReaderTest, TooManyCountersAreRefusedAsAWhole) {
  FieldReader fields;
  EXPECT_THAT(Sent(std::vector<std::pair<std::string, int64_t>>(kMaxCounterNames + 1), &fields),
              IsEmpty());
  EXPECT_EQ(fields.status(), absl::InvalidArgumentError("field: too many elements"));
}

TEST(FieldReaderTest, ANumberLiesBetweenItsBounds) {
  const auto complaint = [](uint32_t value) {
    return Complaint([value](FieldReader& f) { f.Number("field", value, 1, 10); });
  };
  EXPECT_EQ(complaint(1), "");
  EXPECT_EQ(complaint(10), "");
  EXPECT_EQ(complaint(0), "field: 0 is not from 1 to 10");
  EXPECT_EQ(complaint(11), "field: 11 is not from 1 to 10");
}

TEST(FieldReaderTest, AnEnumKnowsItsLastValue) {
  FieldReader fields;
  EXPECT_EQ(fields.Enum<Cause>("field", kCauseCount - 1), Cause::kWorkerUnfit);
  EXPECT_TRUE(fields.status().ok());
  fields.Enum<Cause>("field", kCauseCount);
  EXPECT_THAT(std::string(fields.status().message()), HasSubstr("does not know"));
}

TEST(FieldReaderTest, AnIdThatMustBeSetIs) {
  FieldReader fields;
  EXPECT_EQ(fields.SomeId<JobId>("field", 7), JobId(7));
  fields.SomeId<JobId>("field", 0);
  EXPECT_EQ(fields.status(), absl::InvalidArgumentError("field: missing"));
}

TEST(ClipTest, CutsNoCharacterInTwo) {
  EXPECT_EQ(Clip("abc", 3), "abc");
  EXPECT_EQ(Clip("abc", 2), "ab");
  EXPECT_EQ(Clip("a€", 4), "a€");  // three bytes
  for (size_t bytes : {1, 2, 3}) EXPECT_EQ(Clip("a€b", bytes), "a") << bytes;
  EXPECT_EQ(Clip("a€b", 4), "a€");
  EXPECT_EQ(Clip(std::string(10, '\x80'), 6).size(), 3u);  // no UTF-8: gives up after a character
}

TEST(ClipTest, AMessageHoldsNoNul) {
  EXPECT_EQ(ClipMessage(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(ClipMessage(std::string(kMaxMessageTextBytes + 1, 'x')).size(), kMaxMessageTextBytes);
}

TEST(CountersTest, NamesAreCutAndTheFirstOnesAreSent) {
  std::map<std::string, int64_t> counters{{std::string(kMaxCounterNameBytes + 9, 'a'), 5}};
  EXPECT_EQ(CountersToWrite(counters), 1u);
  capnp::MallocMessageBuilder message;
  auto list = message.getOrphanage().newOrphan<capnp::List<capnp_types::CounterValue>>(
      static_cast<capnp::uint>(1));
  WriteCounters(counters, list.get());
  EXPECT_EQ(list.getReader()[0].getName().size(), kMaxCounterNameBytes);
  EXPECT_EQ(list.getReader()[0].getValue(), 5);
  for (size_t i = 0; i < 2 * kMaxCounterNames; ++i) counters[std::to_string(i)] = 1;
  EXPECT_EQ(CountersToWrite(counters), kMaxCounterNames);
}

}  // namespace
}  // namespace millrace
