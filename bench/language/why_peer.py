"""The PyTorch side of the bench of "why this answer": GPT-2 small, its weights from the ONNX file.

As a server, one JSON line a request (see ../peer.py):
{"do": "load", "file": ..., "weights": {name: [offset, shape]}, "threads": 1}
{"do": "prepare", "prompt": ids, "answer": ids, "baseline": id, "lean": false}
{"do": "run", "work": "gradient" | "integrated" | "leave-one-out"}
{"do": "digest"}

As a command, `why_peer.py request.json`: loads, takes the gradient, scores the prompts that "kept" lists, prints.
"lean" computes the logits of the answer alone; a model of transformers gives those of every token.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import torch  # noqa: E402
from peer import gpt2_hidden, load, serve, state  # noqa: E402


def prepare(request):
    w = state["weights"]
    prompt, answer = torch.tensor(request["prompt"]), torch.tensor(request["answer"])
    state.update(prompt=prompt, answer=answer, lean=request["lean"], vectors=w["wte"][prompt], own=w["wte"][answer])
    state["baseline"] = w["wte"][request["baseline"]].expand(len(prompt), -1).clone()


def score(vectors):
    """log p of the answer behind a prompt that is given in vectors."""
    w, answer = state["weights"], state["answer"]
    x = torch.cat([vectors, state["own"]])
    hidden = gpt2_hidden(w, (x + w["wpe"][: len(x)])[None])[0]
    before = slice(len(vectors) - 1, -1)
    logits = hidden[before] @ w["wte"].T if state["lean"] else (hidden @ w["wte"].T)[before]
    return torch.log_softmax(logits, -1).gather(1, answer[:, None]).sum()


def slope(point):
    leaf = point.detach().requires_grad_()
    value = score(leaf)
    value.backward()
    return value.detach(), leaf.grad


def gradient():
    vectors = state["vectors"]
    _, g = slope(vectors)
    return {"tokens": (vectors * g).sum(1)}


def integrated():
    """Integrated gradients at 32 points by Gauss-Legendre, one after another, and both ends."""
    import numpy

    vectors, baseline = state["vectors"], state["baseline"]
    nodes, weights = numpy.polynomial.legendre.leggauss(32)
    total = torch.zeros_like(vectors)
    for t, weight in zip((nodes + 1) / 2, weights / 2):
        total += float(weight) * slope(baseline + float(t) * (vectors - baseline))[1]
    with torch.no_grad():
        score(vectors), score(baseline)
    return {"tokens": ((vectors - baseline) * total).sum(1)}


def leave_one_out():
    """Each prompt is read from its beginning."""
    vectors = state["vectors"]
    with torch.no_grad():
        full = score(vectors)
        return {"tokens": torch.stack([full - score(torch.cat([vectors[:k], vectors[k + 1 :]])) for k in range(1, len(vectors))])}


WORK = {"gradient": gradient, "integrated": integrated, "leave-one-out": leave_one_out}


def run(request):
    wall, cpu = time.perf_counter(), time.process_time()
    state["result"] = WORK[request["work"]]()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def digest(_):
    return {name: value.flatten().tolist() for name, value in state["result"].items()}


def command(path):
    request = json.loads(Path(path).read_text())
    load({**request, "net": "gpt2"})
    prepare(request)
    tokens = gradient()["tokens"]
    with torch.no_grad():
        scores = [score(state["vectors"][torch.tensor(kept)]) for kept in request["kept"]]
    print(tokens.tolist(), [float(one) for one in scores])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        command(sys.argv[1])
    else:
        serve({"load": load, "prepare": prepare, "run": run, "digest": digest})
