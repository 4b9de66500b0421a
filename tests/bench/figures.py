"""What a benchmark reports: figures, some with a target, and in the end what was missed."""

import json


class Figures:
    def __init__(self):
        self.results = []

    def report(self, name, value, unit, target, met):
        """Prints a figure at once. `met` is None for one without a target."""
        self.results.append({"name": name, "value": value, "unit": unit, "target": target,
                             "met": met})
        shown = f"{value:.2f}" if isinstance(value, float) else str(value)
        verdict = "" if met is None else ("   ok" if met else "   MISSED")
        print(f"{name:<44} {shown:>10} {unit:<18} {target}{verdict}", flush=True)

    def fail(self, name, why):
        """Says at once that there is no figure, and why."""
        self.results.append({"name": name, "error": why, "met": False})
        print(f"{name:<44} ERROR: {why}", flush=True)

    def finish(self, path=None):
        """Writes all figures to `path` as JSON, says what was missed, and returns the exit code."""
        if path:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.results, file, indent=1)
        missed = [result["name"] for result in self.results if result["met"] is False]
        names = ": " + "; ".join(missed) if missed else ""
        print(f"{len(self.results)} figures, {len(missed)} targets missed{names}")
        return 1 if missed else 0
