#!/usr/bin/env python3
"""Every rule of tidy.py: a sample that breaks it, and one that does not."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import tidy  # noqa: E402


def findings(path, text):
    return [(found.line, found.what) for found in tidy.check_file(path, text)]


def header(body, path="storage/thing.h"):
    guard = "MILLRACE_" + path.upper().replace("/", "_").replace(".", "_") + "_"
    return f"// A thing.\n#ifndef {guard}\n#define {guard}\n{body}\n#endif  // {guard}\n"


class TidyTest(unittest.TestCase):
    def assert_found(self, path, text, line, words):
        found = findings(path, text)
        self.assertTrue(any(at == line and words in what for at, what in found),
                        f"no '{words}' at line {line} among {found}")

    def assert_clean(self, path, text):
        self.assertEqual(findings(path, text), [])

    def test_the_hearts_do_not_see_kj(self):
        for path in ["master/core/scheduler.cc", "worker/engine/merge.cc", "mapreduce/job.cc",
                     "storage/paths.cc", "rpc/ids.h"]:
            self.assert_found(path, "//\n#include <kj/async.h>\n", 2, "includes kj/async.h")
        self.assert_clean("master/master_shell.cc", "#include <kj/async.h>\n")
        self.assert_clean("rpc/wire.h", header("#include <capnp/rpc.h>", "rpc/wire.h"))

    def test_generated_cap_n_proto_headers_count_as_cap_n_proto(self):
        self.assert_found("worker/engine/merge.cc", '#include "rpc/types.capnp.h"\n', 1, "must not")
        self.assert_clean("worker/worker_shell.cc", '#include "rpc/types.capnp.h"\n')

    def test_folders_point_one_way(self):
        self.assert_found("worker/a.cc", '#include "master/journal.h"\n', 1, "must not know")
        self.assert_found("master/a.cc", '#include "worker/a.h"\n', 1, "must not know")
        self.assert_found("storage/a.cc", '#include "rpc/connection.h"\n', 1, "must not know")
        self.assert_found("mapreduce/a.cc", '#include "storage/paths.h"\n', 1, "must not know")
        self.assert_found("master/core/a.cc", '#include "rpc/wire.h"\n', 1, "must not know")
        self.assert_found("client/a.cc", '#include "tests/oracle.h"\n', 1, "must not know")
        self.assert_clean("master/core/a.cc", '#include "rpc/ids.h"\n')
        self.assert_clean("worker/engine/a.cc", '#include "storage/run_reader.h"\n')

    def test_mains_and_tests_may_include_everything(self):
        self.assert_clean("master/master_main.cc", '#include "worker/worker_process.h"\n')
        self.assert_clean("worker/worker_test.cc", '#include "tests/oracle.h"\n')

    def test_the_core_has_no_log_but_its_check(self):
        self.assert_found("master/core/a.cc", "#include <glog/logging.h>\n", 1, "does not log")
        self.assert_clean("master/core/check.cc", "#include <glog/logging.h>\n")
        self.assert_clean("master/shell.cc", "#include <glog/logging.h>\n")

    def test_mapreduce_needs_no_containers_of_abseil(self):
        self.assert_found("mapreduce/a.cc", '#include "absl/container/btree_map.h"\n', 1, "absl")
        self.assert_clean("mapreduce/a.cc", '#include "absl/status/status.h"\n')

    def test_pure_code_has_no_clock_no_chance_no_sleep(self):
        for word in ["absl::Now()", "std::chrono::steady_clock::now()", "rand()", "time(nullptr)",
                     "std::random_device device", "absl::SleepFor(pause)", "clock_gettime(id, &t)"]:
            text = f"void F() {{ {word}; }}\n"
            self.assertEqual(len(findings("master/core/a.cc", text)), 1, word)
            self.assert_clean("master/shell.cc", text)

    def test_tests_do_not_sleep(self):
        self.assert_found("master/shell_test.cc", "void F() { usleep(5); }\n", 1, "sleeps")

    def test_words_in_comments_and_strings_are_free(self):
        self.assert_clean("master/core/a.cc",
                          '// rand() and absl::Now()\nconst char* k = "KJ_LOG using namespace";\n'
                          "/* co_await\n   new Thing */\n")

    def test_words_that_nobody_may_use(self):
        for text in ["using namespace std;", "auto f = [=] {};", "auto f = [=, &x] {};",
                     "void F() { co_await x; }", "void F() { KJ_LOG(INFO, x); }",
                     "#include <kj/test.h>", "std::thread t;",
                     "DEFINE_string(name, \"\", \"\");"]:
            self.assertEqual(len(findings("master/shell.cc", text + "\n")), 1, text)

    def test_methods_say_what_they_do(self):
        self.assert_found("storage/a.cc", "void Process(int x);\n", 1, "the name Process")
        self.assert_clean("storage/a.cc", "struct A::Process {\n  explicit Process(int pid);\n};\n")

    def test_threads_and_flags_have_their_places(self):
        self.assert_clean("rpc/io_thread.cc", "std::thread thread;\n")
        self.assert_clean("worker/attempt_runner.cc", "std::thread thread;\n")
        self.assert_clean("master/master_main.cc", 'DEFINE_string(listen, "", "");\n')

    def test_new_needs_an_owner(self):
        self.assert_found("storage/a.cc", "int* F() {\n  return new int(1);\n}\n", 2, "naked new")
        self.assert_clean("storage/a.cc", "auto F() { return absl::WrapUnique(new Thing(1)); }\n")
        self.assert_clean("storage/a.cc", "std::unique_ptr<T> F() {\n"
                          "  return std::unique_ptr<T>(new T());\n}\n")
        self.assert_clean("storage/a.cc", "void F(void* p) { new (p) Thing(); }\n")

    def test_names_of_files_say_what_they_hold(self):
        for name in ["utils", "string_util", "common", "test_helpers", "misc"]:
            self.assert_found(f"storage/{name}.cc", "\n", 1, "says nothing")
        self.assert_clean("storage/command.cc", "\n")

    def test_a_todo_has_kind_and_reason(self):
        self.assert_found("storage/a.cc", "// TODO: later\n", 1, "TODO(kind): why")
        self.assert_clean("storage/a.cc", "// TODO(perf): one copy too many for long keys.\n")

    def test_headers_open_with_a_comment_and_a_guard(self):
        self.assert_clean("storage/thing.h", header("int F();"))
        self.assert_found("storage/thing.h", "#ifndef MILLRACE_STORAGE_THING_H_\n", 1, "opening")
        self.assert_found("storage/thing.h", "// A thing.\n#pragma once\n", 1, "header guard")

    def test_files_have_a_length_limit(self):
        self.assert_found("storage/a.cc", "\n" * 501, 501, "at most 500")
        self.assert_found("storage/a_test.cc", "\n" * 701, 701, "at most 700")
        self.assert_found("storage/thing.h", header("\n" * 250), 251, "at most 250")
        self.assert_clean("storage/a.cc", "\n" * 500)
        self.assert_clean("storage/table.cc", "// Generated by make_table.py.\n" + "\n" * 900)

    def test_lines_have_a_length_limit(self):
        self.assert_found("storage/a.cc", "\n//" + "x" * 99 + "\n", 2, "101 columns")
        self.assert_clean("storage/a.cc", "// " + "é" * 97 + "\n")

    def test_functions_have_a_length_limit(self):
        body = "  Step();\n" * 69
        self.assert_found("storage/a.cc", f"\nnamespace x {{\nvoid F(int a) {{\n{body}}}\n}}\n", 3,
                          "a function of 71 lines")
        self.assert_found("storage/a.cc", f"TEST(A, B) {{\n{body}}}\n", 1, "71 lines")
        self.assert_found("storage/a.cc", "class A : public B {\n public:\n  A()\n      : b_(1) {\n"
                          + body + "  }\n};\n", 3, "72 lines")
        self.assert_clean("storage/a.cc", "class A {\n" + "  int x;\n" * 90 + "};\n")
        self.assert_clean("storage/a.cc", "void F() {\n" + "  Step();\n" * 68 + "}\n")

    def test_the_core_does_not_iterate_over_hash_maps(self):
        text = ("absl::flat_hash_map<int, Task> tasks_;\n"
                "void F() {\n  for (const auto& [id, task] : tasks_) Use(id, task);\n}\n")
        self.assert_found("master/core/a.cc", text, 3, "hash map tasks_")
        self.assert_clean("master/core/a.cc", text.replace("flat_hash_map", "btree_map"))

    def test_boolean_arguments_have_names(self):
        self.assert_found("storage/a.cc", "void F() {\n  Open(path, true);\n}\n", 2, "of Open")
        self.assert_clean("storage/a.cc", "void F() { Open(path, /*create=*/true); }\n")
        self.assert_clean("storage/a.cc", "void F() { EXPECT_EQ(a, true); x.store(true); }\n")


if __name__ == "__main__":
    unittest.main()
