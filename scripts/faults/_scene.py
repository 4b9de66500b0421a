"""What the fault scripts share: a cluster with a job in the middle of which a fault strikes.

A script says at which failpoint an attempt is held (docs/failpoints.md), what is done to the
cluster then, and what the job's summary must count afterwards. Here the cluster is started, the
attempt is waited for and named, and the output is compared with a sequential count of the same
input. A script ends with 0 and one line of what was hit and what was run again, with 1 and what
differed, or with 2 when this machine or the command line does not allow it.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import time

SCRIPT = os.path.abspath(sys.argv[0])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ["//apps/wordcount", "//client:millrace", "//master", "//worker"]
BUILT = "MILLRACE_FAULTS_PROGRAMS"  # the folder under which they are; else they are built first


def build():
    """Stands where the programs are; cluster.py takes them from there."""
    if not os.environ.get(BUILT):
        done = subprocess.run(["bazel", "build", "--output_filter=NOTHING",
                               "--ui_event_filters=-info", *PROGRAMS],
                              cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        if done.returncode != 0:
            sys.exit(2)
        os.environ[BUILT] = os.path.join(ROOT, "bazel-bin")
    os.chdir(os.environ[BUILT])


if not {"-h", "--help"} & set(sys.argv[1:]):
    build()
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import cluster  # noqa: E402

VICTIM, KEEPER = "w2", "w3"  # who is struck, and who holds the job open where that is needed
LEASE = "2s"
FILES, FILE_BYTES, REDUCERS = 9, 900_000, 6

# Where a worker's attempt is held so that it is in that part of the job.
PLACES = {"map": "map.running", "shuffle": "reduce.fetching", "reduce": "reduce.running"}

Hit = collections.namedtuple("Hit", "name pid action detail task attempt worker")


class Missed(Exception):
    """The fault struck nothing, or what must follow did not."""


class Unable(Exception):
    """This machine does not allow the fault."""


# What must be counted in the end: workers lost (exactly), attempts for a reason (at least), and
# reasons for which there must be none, besides failures of user code.
Expect = collections.namedtuple("Expect", "lost at_least none", defaults=(0, {}, ()))


class Scene(cluster.Cluster):
    """One master, three workers with one slot each, and a word count over nine files."""

    def __init__(self, at, options=None):
        self.at = at
        self.options = options
        self.open()
        self.log = self.path("failpoints")
        self.output = self.path("out")
        self.inputs = self.write_input()
        self.mounts = []

    def write_input(self):
        """The same words every time; too many distinct ones for a file to shrink to nothing."""
        draw = random.Random(1)
        words = ["%s%x" % (draw.choice("abcdefgh"), draw.getrandbits(40)) for _ in range(20_000)]
        paths = []
        for number in range(FILES):
            lines = [" ".join(draw.choices(words, k=10)) for _ in range(FILE_BYTES // 115)]
            paths.append(self.text("in/%d" % number, "\n".join(lines) + "\n"))
        return paths

    # --- Starting ---

    def begin(self, *failpoints, master_failpoint=None, listen=None, wrap=None, scratch=None,
              job_flags=()):
        """Starts master, workers and the job. `wrap(name)` gives arguments to put before a
        program, `scratch` {worker: folder}, `listen(name)` an address."""
        self.wrap = wrap or (lambda name: [])
        self.listen = listen or (lambda name: "127.0.0.1:0")
        self.scratch = {name: self.path("scratch-" + name) for name in ("w1", "w2", "w3")}
        self.scratch.update(scratch or {})
        self.state = "--state_dir=" + self.path("state")
        quiet = dict(self.environment)
        self.environment = dict(quiet, MILLRACE_FAILPOINT=",".join(failpoints),
                                MILLRACE_FAILPOINT_LOG=self.log)
        self.quiet = quiet
        self.the_master = self.start_master(
            self.listen("master"), env=dict(self.environment,
                                            MILLRACE_FAILPOINT=master_failpoint or ""))
        self.workers = {name: self.start_worker(name) for name in self.scratch}
        self.workers_joined(self.the_master, len(self.workers))
        self.began = time.monotonic()
        self.client = self.start("job", self.wrap("master") + [
            cluster.WORDCOUNT, "--progress=none", "--master=" + self.the_master.address,
            *self.access, "--input=" + self.path("in"), "--output=" + self.output,
            "--reducers=%d" % REDUCERS, "--split_mb=1", "--shuffle=network",
            "--summary_json=" + self.path("summary"), "--joblog=" + self.path("joblog"),
            *job_flags], env=quiet)

    def start_master(self, listen, env):
        process = self.start_ready("master", self.wrap("master") + [
            cluster.MASTER, self.state, "--lease=" + LEASE, "--listen=" + listen, *self.access],
            env=env)
        process.address = process.ready["listen"]
        return process

    def start_worker(self, name, env=None):
        return self.start_ready(name, self.wrap(name) + [
            cluster.WORKER, "--master=" + self.the_master.address, "--name=" + name, "--slots=1",
            "--listen=" + self.listen(name), "--scratch_dir=" + self.scratch[name], *self.access],
            env=env or self.environment)

    def millrace(self, master, *arguments, code=0):
        process = self.start("millrace", self.wrap("master") + [
            cluster.MILLRACE, "--master=" + master.address, *self.access, *arguments],
            env=self.quiet)
        out = process.finish(code).output()
        return json.loads(out) if "--json" in arguments else out

    # --- Meeting ---

    def hits(self):
        """What the log of the failpoints says so far."""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            lines = [line.rstrip("\n").split("\t") for line in f if line.endswith("\n")]
        found = []
        for name, pid, action, detail in lines:
            said = dict(pair.split("=", 1) for pair in detail.split())
            found.append(Hit(name, int(pid), action, detail, said.get("task", said.get("job", "")),
                             said.get("attempt", ""), said.get("worker", "master")))
        return found

    def hit(self, name, worker=VICTIM):
        """Waits until that place has been hit in that worker."""
        watch = cluster.Watch(self.folder, cluster.WRITTEN)
        deadline = time.monotonic() + cluster.DEADLINE_S
        while True:
            for hit in self.hits():
                if (hit.name, hit.worker) == (name, worker):
                    return hit
            if self.client.poll() is not None:
                raise Missed("nothing was running on %s at %s: the job ended first\n%s" %
                             (worker, name, self.client.said()))
            if time.monotonic() > deadline:
                raise Missed("nothing was running on %s at %s" % (worker, name))
            watch.wait()

    def held(self, name, worker=VICTIM):
        """Waits until an attempt is held at that place, its process stopped."""
        hit = self.hit(name, worker)
        self.until("process %d stops" % hit.pid, lambda: state_of(hit.pid) == "T")
        return hit

    def until(self, what, is_so):
        """Looks again and again; every look takes a while by itself."""
        deadline = time.monotonic() + cluster.DEADLINE_S
        while not is_so():
            if time.monotonic() > deadline:
                raise Missed("waited in vain until %s" % what)

    def worker_states(self):
        listed = self.millrace(self.the_master, "workers", "--json")
        return {(w["name"], w["state"]) for w in listed}

    def attempts(self):
        return self.millrace(self.the_master, "attempts", "job-1", "--json")

    def succeeded(self):
        """{task: worker} of what is done."""
        return {a["task"]: a["worker_name"] for a in self.attempts() if a["cause"] == "succeeded"}

    # --- Striking ---

    def outlast(self, strike, heal):
        """A worker with a running attempt is cut off, loses its lease, its task is done elsewhere,
        and then it comes back while the job still runs: another worker's reduce is held so long."""
        hit = self.held(PLACES[self.at])
        strike(hit)
        self.until(VICTIM + " is lost", lambda: (VICTIM, "lost") in self.worker_states())
        held = self.held("reduce.running", KEEPER)
        self.until(hit.task + " is done elsewhere",
                   lambda: self.succeeded().get(hit.task, VICTIM) != VICTIM)
        heal(hit)
        go_on(hit.pid)
        self.until(VICTIM + " is back", lambda: (VICTIM, "alive") in self.worker_states())
        go_on(held.pid)
        return hit

    def run_file(self, hit):
        """The finished output of a map attempt."""
        end = "-task-%s-%s.run" % (hit.task.split("-")[1], hit.attempt)
        found = [path for path in self.run_files(hit.worker) if path.endswith(end)]
        if len(found) != 1:
            raise Missed("%s has no output of %s %s" % (hit.worker, hit.task, hit.attempt))
        return found[0]

    def run_files(self, worker):
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.scratch[worker])
                for name in names if name.endswith(".run") and name[0] != "."]

    # --- The end ---

    patience_s = cluster.DEADLINE_S  # for the job's end

    def finish(self):
        """Waits for the job; returns its summary and its attempts, [{column: text}]."""
        self.client.wait(self.patience_s)
        self.client.finish(0)
        self.wall_s = time.monotonic() - self.began
        with open(self.path("summary")) as f:
            summary = json.load(f)
        with open(self.path("joblog")) as f:
            header, *lines = [line.rstrip("\n").split("\t") for line in f]
        return summary, [dict(zip(header, line)) for line in lines]

    def wrong_output(self):
        """What differs from the sequential oracle; None if nothing does."""
        try:
            got = cluster.read_output(self.output)
        except (AssertionError, OSError, ValueError) as error:
            return "the output is not well formed: %r" % error
        want = cluster.count(self.inputs)
        wrong = [key for key in sorted(set(got) | set(want)) if got.get(key) != want.get(key)]
        if not wrong:
            return None
        return "%d words are counted wrongly, the first is %r: %s, not %s" % (
            len(wrong), wrong[0], got.get(wrong[0]), want.get(wrong[0]))

    def mount_small(self, name, size):
        """A folder on a file system of its own, in our own mount namespace."""
        path = os.path.dirname(self.text(name + "/.keep", ""))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "none", path], check=True)
        self.mounts.append(path)
        return path

    def close(self):
        for path in self.mounts:
            subprocess.run(["umount", "--lazy", path], check=True)
        for pid in self.left_behind():
            if state_of(pid) == "T":
                go_on(pid)
        return super().close()


def state_of(pid):
    """The state letter of a process, of /proc; "" when it is gone."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def go_on(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def stop(pid):
    os.kill(pid, signal.SIGSTOP)


def enter_own_namespaces(*kinds):
    """Starts this program again with mounts, or more, of its own, so that nothing is left behind.
    Needs root."""
    if os.environ.get("MILLRACE_FAULTS_INSIDE") == "1":
        return
    if os.geteuid() != 0:
        raise Unable("needs root, to make namespaces and mounts of its own: run it with sudo")
    flags = ["--" + kind for kind in kinds]
    tried = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Unable("this machine gives no namespaces: " + tried.stderr.strip())
    os.environ["MILLRACE_FAULTS_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, SCRIPT,
                          *sys.argv[1:]])


# --- The verdict ---


def differences(scene, summary, attempts, expect):
    """What is not as it must be, one line each."""
    found = []
    wrong = scene.wrong_output()
    if wrong:
        found.append(wrong)
    if summary["state"] != "SUCCEEDED":
        found.append("the job ended as " + summary["state"])
    if summary["workers"]["lost"] != expect.lost:
        found.append("%d workers counted as lost, not %d" % (summary["workers"]["lost"],
                                                             expect.lost))
    for reason, least in expect.at_least.items():
        if summary["reasons"].get(reason, 0) < least:
            found.append("%d attempts because of %s, at least %d expected" %
                         (summary["reasons"].get(reason, 0), reason, least))
    for reason in ("user_failure", *expect.none):
        if summary["reasons"].get(reason, 0):
            found.append("%d attempts because of %s, none expected" %
                         (summary["reasons"][reason], reason))
    done = collections.Counter(a["task"] for a in attempts if a["cause"] == "succeeded")
    missing = sum(summary["tasks"].values()) - len(done)
    if missing:
        found.append("%d tasks have no attempt that succeeded" % missing)
    return found


def again(attempts):
    """[(task, reason)] of what was run again."""
    return [(a["task"], a["reason"]) for a in attempts if a["reason"] != "first"]


def said_again(rerun):
    if not rerun:
        return "nothing was run again"
    count = collections.Counter((task.split("-")[0], reason) for task, reason in rerun)
    return "run again: " + ", ".join("%d %s (%s)" % (number, kind, reason)
                                     for (kind, reason), number in sorted(count.items()))


def run(scene, inject, expect):
    """Injects the fault and lets the job end; returns the result as `--json` prints it."""
    result = {"at": scene.at, "hit": None, "rerun": [], "wall_s": None, "differences": []}
    try:
        hit = inject(scene)
        result["hit"] = hit
        summary, attempts = scene.finish()
        result["rerun"] = again(attempts)
        result["wall_s"] = round(scene.wall_s, 3)
        result["summary"] = {key: summary[key] for key in ("state", "workers", "attempts",
                                                           "reasons", "stale_reports")}
        wanted = expect(scene) if callable(expect) else expect
        result["differences"] = differences(scene, summary, attempts, wanted)
    except subprocess.TimeoutExpired as late:
        result["differences"].append("the job did not end within %d s" % late.timeout)
    except (Missed, AssertionError) as error:
        result["differences"].append(str(error))
    finally:
        left = scene.close()
    if left:
        result["differences"].append("processes were left behind: %s" % sorted(left.values()))
    return result


def report(name, result, as_json):
    if as_json:
        print(json.dumps(dict(result, fault=name)))
    elif not result["differences"]:
        print("%s: %s; %s; the output is right (%.1f s)" %
              (name, result["hit"], said_again(result["rerun"]), result["wall_s"]))
    for difference in result["differences"]:
        print("%s: %s" % (name, difference), file=sys.stderr)
    return 1 if result["differences"] else 0


def parser_for(doc, moments):
    parser = argparse.ArgumentParser(
        description=doc, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="exit codes: 0 the job survived and its output is right; 1 the fault struck nothing, "
               "or something differs; 2 wrong usage, or this machine does not allow it")
    if len(moments) > 1:
        parser.add_argument("--at", choices=moments, default=moments[0],
                            help="in which part of the job (default %(default)s)")
    else:
        parser.set_defaults(at=moments[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(parser, inject, expect, namespaces=()):
    """The main program of a fault script."""
    options = parser.parse_args()
    name = os.path.basename(sys.argv[0])
    try:
        if namespaces:
            enter_own_namespaces(*namespaces)
        scene = Scene(options.at, options)
        return report(name, run(scene, inject, expect), options.json)
    except Unable as error:
        print("%s: %s" % (name, error), file=sys.stderr)
        return 2


def describe(hit):
    what = " ".join(filter(None, [hit.task, hit.attempt]))
    return what + " on " + hit.worker if what else hit.worker
