"""Writes what the bench needs of the public records of "Usable XAI: 10 Strategies" (arXiv 2403.08946).

python3 bench/language/case_records.py CHECKOUT OUT
CHECKOUT: the authors' repository (UsableXAI_LLM). OUT/verification.jsonl and OUT/hallucination.jsonl come out.
Its pickles are read with nothing allowed in them but NumPy arrays.
"""
import json
import pathlib
import pickle
import sys

import numpy as np


class Arrays(pickle.Unpickler):
    def find_class(self, module, name):
        if module.split(".")[0] == "numpy" or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def records(folder):
    for path in sorted(folder.glob("*.pkl"), key=lambda p: int("".join(filter(str.isdigit, p.stem)))):
        with open(path, "rb") as file:
            yield Arrays(file).load()


def text_of(tokens):
    return "".join(tokens).replace("\u2581", " ").replace("<0x0A>", "\n")


def span(tokens, before, after):
    """First and last token between two strings."""
    starts = np.cumsum([0] + [len(text_of([t])) for t in tokens])
    text = text_of(tokens)
    first = text.index(before) + len(before)
    last = text.index(after, first) if after else len(text)
    # A token belongs where its first letter stands: it may begin with the space before.
    letters = [starts[i] + len(text_of([t])) - len(text_of([t]).lstrip()) for i, t in enumerate(tokens)]
    inside = [i for i, at in enumerate(letters) if first <= at < last]
    return inside[0], inside[-1] + 1


def shares(explain, first, last):
    """Of each output token, how its positive attribution is shared among the tokens of the part: masked, then normalised."""
    part = np.maximum(0, np.nan_to_num(explain[first:last].astype(np.float64)))
    return part / np.maximum(part.sum(axis=0, keepdims=True), 1e-12)


def verification(root):
    folder = root / "Case_Studies/case_Response_Verification_with_Attribution_scores/Results/vicuna_7b_v1.1"
    for record in records(folder):
        first, last = span(record["Input"], "Reading the following paragraph:", "\nMy question is:")
        tokens = record["Input"]
        yield {
            "tokens": [text_of([t]) for t in tokens[first:last]],
            "attribution": shares(record["Explain"], first, last).sum(axis=1).round(6).tolist(),
            "question": text_of(tokens).split("My question is:")[-1].split("\nKeep")[0],
            "response": text_of(record["Output"]),
            "evidence": record["Evidence"] if isinstance(record["Evidence"], str) else " ".join(record["Evidence"]),
        }


def hallucination(root):
    domains = {}
    for path in (root / "datasets/HallEval2/annotation").glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf8")):
            domains[row["user_query"].strip()] = path.stem
    folder = root / "Case_Studies/case_Hallucination_Detection_with_Attribution_Scores/Results/vicuna_7b_v1.5"
    for record in records(folder):
        first, last = span(record["Input"], "USER:", "ASSISTANT:")
        part = np.maximum(0, np.nan_to_num(record["Explain"][first:last].astype(np.float64)))
        # The authors' density of a token: L1 over L5 of its attribution, in tenths of the largest, those up to 4 left out.
        tenths = np.ceil(10 * part / (part.max(axis=0, keepdims=True) + 1e-9))
        tenths[tenths <= 4] = 0
        density = tenths.sum(axis=1) / ((tenths**5).sum(axis=1) ** 0.2 + 1e-9)
        query = text_of(record["Input"][first:last]).strip()
        yield {
            "query": query,
            "domain": domains.get(query, "?"),
            "hallucination": bool(record["Hallucination"]),
            "length": len(record["Output"]),
            "density": [float(density.mean()), float(density.max()), float(density.std())],
        }


root, out = map(pathlib.Path, sys.argv[1:3])
out.mkdir(parents=True, exist_ok=True)
for make in (verification, hallucination):
    with open(out / f"{make.__name__}.jsonl", "w", encoding="utf8") as file:
        count = 0
        for row in make(root):
            file.write(json.dumps(row) + "\n")
            count += 1
    print(f"{make.__name__}: {count} records")
