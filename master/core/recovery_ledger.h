// Keeps a job's recovery ledger: one entry for each loss, what it cost, and what was done again.
//
// An entry begins with LossNoticed. The ends of attempts and the lost outputs that follow it, and
// that such a loss explains, are its cost. A task that has to run again because of it is
// remembered, and what its next success took is added to the entry. The newest kRecoveryEntriesMax
// entries of a job are kept, and the others counted.
//
// Part of applying edits: the same in life and when the journal is read.
#ifndef MILLRACE_MASTER_CORE_RECOVERY_LEDGER_H_
#define MILLRACE_MASTER_CORE_RECOVERY_LEDGER_H_

#include "master/core/edits.h"
#include "master/core/job_record.h"

namespace millrace {

constexpr size_t kRecoveryEntriesMax = 100;

void AddLoss(const LossNoticed& edit, JobRecord* job);
// After the attempt was taken off the books.
void AddLostAttempt(const AttemptEnded& edit, JobRecord* job);
void AddLostOutput(const OutputLost& edit, JobRecord* job);
void AddDoneAgain(const TaskDone& edit, JobRecord* job);

}  // namespace millrace

#endif  // MILLRACE_MASTER_CORE_RECOVERY_LEDGER_H_
