"""The other side of shap.ts: KernelSHAP of the Python package `shap`, the model run by ONNX Runtime."""

import json
import platform
import resource
import sys
import time

import numpy as np
import onnxruntime
import shap

# Rows that the model gets at once; the samples of a long text do not fit in memory whole.
BATCH = 512


def spent(run):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu, wall = usage.ru_utime + usage.ru_stime, time.perf_counter()
    run()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"wall": time.perf_counter() - wall, "cpu": usage.ru_utime + usage.ru_stime - cpu}


def load(request):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request["threads"]
    session = onnxruntime.InferenceSession(request["model"], options, providers=["CPUExecutionProvider"])
    kind = np.int64 if request["tokens"] else np.float32
    row = np.array(request["row"], dtype=np.float64)[None]
    background = np.array(request["background"], dtype=np.float64).reshape(-1, row.shape[1])
    batch = BATCH if request["tokens"] else None

    def table(rows):
        return session.run(None, {"x": rows.astype(kind)})[0][:, 0].astype(np.float64)

    def tokens(rows):
        ids = rows.astype(kind)
        logits = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][:, -1]
        logits = logits.astype(np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted[:, request["token"]] - np.log(np.exp(shifted).sum(axis=1))

    def model(rows):
        one = tokens if request["tokens"] else table
        if batch is None or len(rows) <= batch:
            return one(rows)
        return np.concatenate([one(rows[i : i + batch]) for i in range(0, len(rows), batch)])

    explainer = shap.KernelExplainer(model, background)

    def run():
        # All features are wanted, so nothing is left out by a first regression (l1_reg).
        return explainer.shap_values(row, nsamples=request["samples"], l1_reg=False, silent=True)[0]

    return run


run = None
values = None
print(json.dumps({"shap": shap.__version__, "onnxruntime": onnxruntime.__version__, "python": platform.python_version()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "load":
        run = load(request)
        answer = {}
    else:

        def once():
            global values
            values = run()

        answer = {**spent(once), "values": np.asarray(values).ravel().tolist()}
    print(json.dumps(answer), flush=True)
