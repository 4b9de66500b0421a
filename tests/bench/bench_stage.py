"""Where programs run that are measured: folders, warm memory, and what their answers are."""

import hashlib
import os
import shutil
import subprocess

import competitors
import measured_run

MIB = 1 << 20


class Stage:
    def __init__(self, options):
        self.options = options
        self.output = os.path.join(options.folder, "output")
        self.scratch = os.path.join(options.folder, "scratch")
        self.node = os.path.join(options.folder, "node")
        os.makedirs(options.folder, exist_ok=True)

    def clear(self):
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def command(self, program, path):
        """What `program`, a function of a Work, does with the input at `path`."""
        return program(competitors.Work(path, self.output, self.scratch, self.options.workers,
                                        self.node, self.options.programs))

    def run(self, program, path):
        """Returns the seconds from start to exit, on warm memory, with empty folders."""
        self.clear()
        os.makedirs(self.output)
        arguments = self.command(program, path)
        measured_run.warm_memory(self.options.warm_gib)
        return measured_run.timed(arguments, stdout=subprocess.DEVNULL)

    # ---- Answers ----

    def answer_files(self):
        return sorted(os.path.join(self.output, name) for name in os.listdir(self.output)
                      if not name.startswith(("_", ".")))

    def digest(self, kind):
        """A digest of the answer in the output folder. `kind` as in workloads.Workload."""
        total = hashlib.sha256()
        for chunk in self.answer(kind):
            total.update(chunk)
        return total.hexdigest()

    def answer(self, kind):
        files = self.answer_files()
        if kind == "bytes":
            for path in files:
                with open(path, "rb") as file:
                    while chunk := file.read(MIB):
                        yield chunk
            return
        script = "cat \"$@\" | sort --buffer-size=1G"
        if kind == "matches":
            script = "cat \"$@\" | tr '\\t' : | sort --buffer-size=1G"
        sort = subprocess.Popen(["sh", "-c", script, "sort", *files], stdout=subprocess.PIPE,
                                env={**os.environ, "LC_ALL": "C", "TMPDIR": self.options.folder})
        while chunk := sort.stdout.read(MIB):
            yield chunk
        if sort.wait() != 0:
            raise RuntimeError("the output of a program could not be sorted")
