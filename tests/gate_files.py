"""What the tests of the gate share: a small ground truth, predictions of it and their baseline."""

import json

KEYS = ("image", "start", "entity", "phrase")
RIGHT, WRONG = [1, 1, 40, 40], [90, 90, 2, 2]
PHRASES = 5


def phrases(images, categories=("people",)):
    """Ground truth of so many images, five phrases each; category k is that of phrase k, k + c …"""
    return [
        {
            "image": f"{image}#0",
            "phrase": f"phrase {k}",
            "start": k,
            "entity": str(k),
            "boxes": [RIGHT],
            "categories": [categories[k % len(categories)]],
            "width": 200,
            "height": 200,
        }
        for image in range(images)
        for k in range(PHRASES)
    ]


def guess(truth, wrong):
    """Predictions whose rows are right, but for some."""
    lost = set(wrong)
    return [
        {**{k: record[k] for k in KEYS}, "box": WRONG if row in lost else RIGHT}
        for row, record in enumerate(truth)
    ]


class World:
    """Files of a ground truth, predictions of it and their baseline, and the gate on them."""

    def __init__(self, write, run, truth):
        self.write, self.run, self.records = write, run, truth
        self.truth = write("truth.json", truth)
        self.baseline = self.truth.with_name("baseline.json")

    def predict(self, name, wrong):
        return self.write(f"{name}.json", guess(self.records, wrong))

    def against(self, wrong, *options, name="mine"):
        """Make the predictions with these wrong rows the baseline."""
        file = self.predict(name, wrong)
        result = self.run(
            "gate", self.truth, file, "--against", self.baseline, "--update", *options
        )
        assert result.exit_code == 0, result.output
        return result.stdout

    def gate(self, wrong, *options, name="mine"):
        """Judge predictions with these wrong rows; give the exit code and the line."""
        result = self.run(
            "gate", self.truth, self.predict(name, wrong), "--against", self.baseline, *options
        )
        assert result.stdout.count("\n") == 1, result.output
        return result.exit_code, result.stdout.rstrip("\n")

    def edit(self, change):
        """Change the baseline's JSON."""
        stored = json.loads(self.baseline.read_bytes())
        change(stored)
        self.baseline.write_text(json.dumps(stored))


def drop_marks(stored):
    for entry in stored["entries"]:
        entry["marks"] = None
