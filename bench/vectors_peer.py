"""Searches the vectors of bench/vectors/run.ts with faiss: exactly, and with numbers of eight bits.

usage: vectors_peer.py FOLDER WIDTH; prints JSON."""

import json
import resource
import sys
import time

import faiss
import numpy as np

folder, width = sys.argv[1], int(sys.argv[2])
faiss.omp_set_num_threads(1)
vectors = np.memmap(f"{folder}/vectors.f32", dtype=np.float32, mode="r").reshape(-1, width)
queries = np.fromfile(f"{folder}/queries.f32", dtype=np.float32).reshape(-1, width)
answers = []


def ask(name, index):
    index.search(queries[:1], 10)
    began = time.process_time()
    nearest = [index.search(query[None], 10)[1][0] for query in queries]
    answers.append(
        {
            "index": name,
            "milliseconds": 1000 * (time.process_time() - began) / len(queries),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "nearest": [[str(i) for i in row] for row in nearest],
        }
    )


flat = faiss.IndexFlatIP(width)
for at in range(0, len(vectors), 50_000):
    flat.add(np.ascontiguousarray(vectors[at : at + 50_000]))
ask(f"faiss {faiss.__version__}, IndexFlatIP", flat)
del flat
eight = faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
eight.train(np.ascontiguousarray(vectors[:50_000]))
for at in range(0, len(vectors), 50_000):
    eight.add(np.ascontiguousarray(vectors[at : at + 50_000]))
ask(f"faiss {faiss.__version__}, 8-bit scalar quantizer", eight)
print(json.dumps(answers))
