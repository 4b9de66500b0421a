#!/usr/bin/env python3
"""Shows that the simulation bites: puts one bug at a time into a copy of the sources and lets the
swarm look for it.

    tests/sim/deliberate_bugs.py                  all of them, each in at most 1,000 seeds
    tests/sim/deliberate_bugs.py NAME...          these
    tests/sim/deliberate_bugs.py --list

Prints for each how many seeds it took and what was found; exit 1 if the swarm overlooks one. The
copy lies in a temporary folder; the checkout is not touched.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = 1000

# (name, what it means, file, what stands there, what stands there instead)
BUGS = [
    ("outputs_of_the_lost",
     "a lost worker's map outputs stay sources",
     "master/core/worker_rules.cc",
     "      if (job->maps()[index].worker() == id) attempts_.LoseOutput(job_id, index, &loss);\n",
     ""),
    ("answer_before_sync",
     "a submit is answered before the journal has the job",
     "master/core/actions.cc",
     "  return std::holds_alternative<AnswerSubmit>(action) ||\n"
     "         std::holds_alternative<AnswerCancel>(action) ||\n",
     "  return std::holds_alternative<AnswerCancel>(action) ||\n"),
    ("journal_gap",
     "that an output is lost is decided and not written down",
     "master/master_shell.cc",
     "  for (const JobEdit& edit : edits) {\n",
     "  for (const JobEdit& edit : edits) {\n"
     "    if (std::holds_alternative<OutputLost>(edit)) continue;\n"),
    ("number_given_twice",
     "a worker takes a job for an earlier one of the same number",
     "worker/worker_shell.cc",
     "  if (known != nullptr && known->context.nonce != context.nonce) ReleaseJob(context.job);\n",
     ""),
    ("lost_part_of_a_chain",
     "a part between two jobs of a chain that is damaged or gone is not made again",
     "master/core/attempt_rules.cc",
     "  if (map.stage > 0) return LosePart(map, outcome.failed_source, loss);\n",
     "  if (map.stage > 0) return;\n"),
    ("chain_reads_ahead",
     "the maps of a chain start before the parts that they read are there",
     "master/core/cluster_state.cc",
     "  reader->input_ready = job.LastStageComplete();\n",
     ""),
    ("staging_of_the_unaccepted",
     "a master that starts again leaves what its former self had staged and not accepted",
     "master/master.cc",
     "    if (!summary.plan.feeds) {\n",
     "    if (false) {\n"),
    ("second_completion",
     "the second attempt of a task to be done is accepted, too",
     "master/core/attempt_rules.cc",
     "  SupersedeOthers(job, attempt);\n",
     ""),
    ("publish_before_sync",
     "parts are put in place before the journal has it that the job publishes",
     "master/core/actions.cc",
     "         std::holds_alternative<PublishJob>(action) ||\n"
     "         std::holds_alternative<AbortOutput>",
     "         std::holds_alternative<AbortOutput>"),
    ("backup_beside",
     "a backup may run on the worker of the attempt that is slow",
     "master/core/stragglers.cc",
     "    if (id == slow || worker->slow()",
     "    if (worker->slow()"),
    ("adopted_ghost",
     "an attempt that a returning worker does not know counts as running",
     "master/core/worker_rules.cc",
     "    if (listed.count(attempt) == 0) attempts_.LoseAttempt(attempt, missing);\n",
     ""),
    ("kept_for_ever",
     "kept map outputs stay when their job has ended",
     "storage/output_committer.cc",
     "  MILLRACE_RETURN_IF_ERROR(RemoveKept(output, job_key));\n",
     ""),
    ("loss_without_entry",
     "an output is lost, and the ledger does not say to what",
     "master/core/attempt_rules.cc",
     "  if (!job->task(task).done()) return;\n  loss->Show(job_id);\n",
     "  if (!job->task(task).done()) return;\n"),
    ("skipped_at_once",
     "a record is skipped after its first failure",
     "master/core/skip_rules.cc",
     "return Contains(record, place); }) > 1;",
     "return Contains(record, place); }) > 0;"),
    ("skipped_and_read",
     "an attempt is not told which records to leave out",
     "master/core/scheduler.cc",
     "    launch.skip = trouble->second.skipped;\n",
     ""),
    ("retained_for_ever",
     "a map output that nobody needs any more stays on its worker",
     "master/core/reuse_rules.cc",
     "    if (worker != nullptr && worker->reachable()) {\n",
     "    if (worker == nullptr) {\n"),
    ("reused_and_not_counted",
     "the counters of a map whose output is used again are left out",
     "master/core/cluster_state.cc",
     "  CountSuccess(edit.task, edit.stats, edit.counters, job);\n"
     "  ++job->summary.map_outputs_reused;\n",
     "  ++job->summary.map_outputs_reused;\n"),
    ("work_of_the_lost",
     "attempts of a lost worker count as running",
     "master/core/worker_rules.cc",
     "  for (const AttemptId& attempt : attempts) attempts_.LoseAttempt(attempt, &loss);\n",
     ""),
]


def parse_flags():
    parser = argparse.ArgumentParser(
        prog="deliberate_bugs.py", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the bugs")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[bug[0] for bug in BUGS] + [[]])
    return parser.parse_args()


def copy_sources(to):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for path in listed.splitlines() + [".bazelrc.local"]:
        source = os.path.join(ROOT, path)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(os.path.join(to, path)), exist_ok=True)
        shutil.copy2(source, os.path.join(to, path))


def bazel(folder, *arguments):
    # The server ends with this script: its folder does not outlive it.
    subprocess.run(["bazel", "--max_idle_secs=60", *arguments], cwd=folder, check=True,
                   stdin=subprocess.DEVNULL)


def put_in(folder, bug):
    """Returns the file's content from before."""
    path = os.path.join(folder, bug[2])
    with open(path) as f:
        before = f.read()
    if before.count(bug[3]) != 1:
        sys.exit("deliberate_bugs: %s: the line to break is not in %s once" % (bug[0], bug[2]))
    with open(path, "w") as f:
        f.write(before.replace(bug[3], bug[4]))
    return before


def hunt(folder):
    """Runs the swarm; returns how many seeds it took and what was found, or None."""
    bazel(folder, "build", "--output_filter=NOTHING", "--ui_event_filters=-info",
          "//tests/sim:swarm")
    run = subprocess.run([os.path.join(folder, "bazel-bin/tests/sim/swarm"), "--first_seed=1",
                          "--seeds=%d" % SEEDS],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(r"^seed (\d+) (?:failed:\n(.*)|(crashed))", run.stdout, re.MULTILINE)
    if run.returncode == 0 or not found:
        return None
    return int(found[1]), found[2] or found[3]


def main():
    flags = parse_flags()
    bugs = [bug for bug in BUGS if not flags.names or bug[0] in flags.names]
    if flags.list:
        for bug in bugs:
            print("%-20s %s" % bug[:2])
        return 0
    overlooked = 0
    with tempfile.TemporaryDirectory(prefix="millrace-bugs-") as folder:
        copy_sources(folder)
        try:
            for bug in bugs:
                before = put_in(folder, bug)
                found = hunt(folder)
                with open(os.path.join(folder, bug[2]), "w") as f:
                    f.write(before)
                if found:
                    print("%s: found by seed %d: %s" % (bug[0], found[0], found[1][:200]))
                else:
                    print("%s: NOT FOUND in %d seeds: %s" % (bug[0], SEEDS, bug[1]))
                    overlooked += 1
                sys.stdout.flush()
        finally:
            bazel(folder, "clean", "--expunge")
    print("%d found, %d not found" % (len(bugs) - overlooked, overlooked))
    return 1 if overlooked else 0


if __name__ == "__main__":
    sys.exit(main())
