// What every FileSystem must do, as one parameterised suite.
//
//   INSTANTIATE_TEST_SUITE_P(Posix, FileSystemContract, ::testing::Values(MakePosix));
//
// The parameter makes a file system and an empty folder in it. Include this in one test file for
// each implementation.
#ifndef MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_
#define MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_

#include "storage/durability_contract.h"
#include "storage/file_contract.h"
#include "storage/file_system_fixture.h"
#include "storage/folder_contract.h"

#endif  // MILLRACE_STORAGE_FILE_SYSTEM_CONTRACT_H_
