"""The PyTorch side of the benchmark: eager mode, driven by one JSON line per request on standard input.

{"do": "load", "net": ..., "file": ..., "weights": {name: [offset, shape]}, "threads": n}   weights from the ONNX file
{"do": "prepare", "work": "input" | "embedding" | "parameters" | "train" | "path" | "grad-cam", ...}      what the next runs do
{"do": "run"}      does it once and answers {"wall": seconds, "cpu": seconds}
{"do": "digest"}   answers some elements of every result of the last run, so that both sides can be compared
"""

import json
import math
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print(json.dumps({"error": "no-torch", "python": sys.executable}), flush=True)
    sys.exit(1)

state = {}


def load(request):
    torch.set_num_threads(request["threads"])
    weights = {}
    with open(request["file"], "rb") as file:
        for name, (offset, shape) in request["weights"].items():
            file.seek(offset)
            data = bytearray(file.read(4 * math.prod(shape)))
            weights[name] = torch.frombuffer(data, dtype=torch.float32).reshape(shape)
    state.clear()
    state.update(weights=weights, forward=NETS[request["net"]])


def resnet18(w, x, last_stage=None):
    """`last_stage` is called with the output of the last stage."""
    def normalised(value, name):
        return F.batch_norm(value, w[name + ".mean"], w[name + ".variance"], w[name + ".weight"], w[name + ".bias"], False, 0.0, 1e-5)

    x = F.relu(normalised(F.conv2d(x, w["conv1.weight"], None, 2, 3), "bn1"), inplace=True)
    x = F.max_pool2d(x, 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = F.relu(normalised(F.conv2d(x, w[name + ".conv1.weight"], None, stride, 1), name + ".bn1"), inplace=True)
            y = normalised(F.conv2d(y, w[name + ".conv2.weight"], None, 1, 1), name + ".bn2")
            if stride > 1:
                x = normalised(F.conv2d(x, w[name + ".downsample.weight"], None, stride, 0), name + ".downsample.bn")
            y += x
            x = F.relu(y, inplace=True)
    if last_stage:
        last_stage(x)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


def embed(w, ids):
    return F.embedding(ids, w["wte"]) + w["wpe"]


def gpt2_hidden(w, x):
    width, heads = x.shape[-1], 12

    def normalised(value, name):
        return F.layer_norm(value, (width,), w[name + ".weight"], w[name + ".bias"], 1e-5)

    def linear(value, name):
        return torch.addmm(w[name + ".bias"], value.reshape(-1, value.shape[-1]), w[name + ".weight"]).view(*value.shape[:-1], -1)

    def per_head(value):
        return value.view(value.shape[0], value.shape[1], heads, width // heads).transpose(1, 2)

    for layer in range(12):
        name = f"h.{layer}"
        q, k, v = (per_head(part) for part in linear(normalised(x, name + ".ln1"), name + ".qkv").split(width, 2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(mixed.transpose(1, 2).reshape(x.shape), name + ".proj")
        wide = F.gelu(linear(normalised(x, name + ".ln2"), name + ".fc"), approximate="tanh")
        x = x + linear(wide, name + ".out")
    return normalised(x, "lnf")


def gpt2(w, x):
    return F.linear(gpt2_hidden(w, x), w["wte"])


def small_cnn(w, x):
    def convolved(value, name):
        return F.relu(F.conv2d(value, w[name + ".weight"], w[name + ".bias"], 1, 1), inplace=True)

    x = F.max_pool2d(convolved(convolved(x, "conv1"), "conv2"), 2)
    x = F.max_pool2d(convolved(x, "conv3"), 2)
    x = F.relu(F.linear(x.flatten(1), w["fc1.weight"], w["fc1.bias"]), inplace=True)
    return F.linear(x, w["fc2.weight"], w["fc2.bias"])


NETS = {"resnet18": resnet18, "gpt2": gpt2, "smallCnn": small_cnn}


def formula(shape, kind):
    """The same input on both sides: element i is sin(i), or token 7919·i mod vocabulary."""
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    if kind == "tokens":
        return (i.long() * 7919 % 50257).reshape(shape)
    return torch.sin(i).float().reshape(shape)


def prepare(request):
    w, forward, work = state["weights"], state["forward"], request["work"]
    x = formula(request["shape"], request["kind"])
    parameters = [w[name] for name in request.get("parameters", [])]
    for name, weight in w.items():
        weight.requires_grad_(name in request.get("parameters", []))
        weight.grad = None

    def seeded(logits):
        seed = torch.zeros_like(logits)
        seed.reshape(logits.shape[0], -1)[:, request["element"]] = 1
        return seed

    seed = seeded(forward(w, embed(w, x) if request["kind"] == "tokens" else x).detach()) if work != "train" else None

    def to_input():
        leaf = (embed(w, x) if request["kind"] == "tokens" else x).detach().requires_grad_()
        forward(w, leaf).backward(seed)
        return {"input": leaf.grad}

    def to_parameters():
        for weight in parameters:
            weight.grad = None
        forward(w, embed(w, x) if request["kind"] == "tokens" else x).backward(seed)
        return {name: w[name].grad for name in request["parameters"]}

    if work == "train":
        optimizer = torch.optim.SGD(parameters, lr=request["rate"], momentum=0.9)
        labels = torch.arange(request["shape"][0]) % 10

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(w, x), labels)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach().reshape(1)}

    def path():
        """Integrated gradients by the midpoint rule from a baseline of zeros, in batches of the size that is fastest here."""
        steps, batch = request["steps"], request["batch"]
        total = torch.zeros_like(x)
        for start in range(0, steps, batch):
            count = min(batch, steps - start)
            t = (torch.arange(start, start + count, dtype=torch.float32) + 0.5) / steps
            leaf = (t.view(-1, 1, 1, 1) * x).requires_grad_()
            forward(w, leaf)[:, request["element"]].sum().backward()
            total += leaf.grad.sum(0, keepdim=True)
        return {"input": x * total / steps}

    def grad_cam():
        """The features need a gradient, the input and the weights do not: as cheap as it can be written."""
        kept = []

        def keep(features):
            features.requires_grad_()
            kept.append(features)

        score = resnet18(w, x, keep)[0, request["element"]]
        (features,) = kept
        (gradient,) = torch.autograd.grad(score, features)
        weights = gradient.mean((2, 3), keepdim=True)
        return {"map": F.relu((weights * features.detach()).sum(1))}

    state["run"] = {"input": to_input, "embedding": to_input, "parameters": to_parameters, "train": step, "path": path, "grad-cam": grad_cam}[work]


def run():
    wall, cpu = time.perf_counter(), time.process_time()
    state["result"] = state["run"]()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def digest():
    """Up to 1,000 elements of every result, evenly spaced."""
    def some(value):
        flat = value.flatten()
        return flat[:: max(1, math.ceil(flat.numel() / 1000))].tolist()

    return {name: some(value) for name, value in state["result"].items()}


COMMANDS = {"load": load, "prepare": prepare, "run": lambda _: run(), "digest": lambda _: digest()}

def serve(commands):
    """Answers a message a line until the input ends; the first line tells the versions."""
    print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        try:
            answer = commands[message["do"]](message) or {}
        except Exception as error:  # told to the other side, which stops
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(COMMANDS)
