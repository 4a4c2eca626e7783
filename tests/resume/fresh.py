"""Run by test_carriers.py in a new interpreter: goes on from each checkpoint in a folder, and writes down what it used.

Run as: python fresh.py FOLDER, with tests/ on the path.
"""

import json
import sys
from pathlib import Path

import torch

from resume import orders
from resume.cases import CASES


def main(folder):
    report = {}
    for file in sorted(folder.glob("*.pt")):
        case = next(case for case in CASES if case.name == file.stem)
        saved = torch.load(file, weights_only=True)
        saved["scheduler"] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        order = orders.ORDERS[len(report) % 4 if case.rebuildable else 0]
        try:
            resumed = order(case, saved)
            resumed.train(case.updates - resumed.done)
        except Exception as error:  # the other cases are still to be seen
            report[case.name] = {"error": f"{type(error).__name__}: {error}"}
        else:
            report[case.name] = {"used": resumed.used, "losses": resumed.losses, "weights": resumed.weights()}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
