"""The PyTorch side of the benches of influence: a CNN of Fashion-MNIST, gradients of rows by hooks.

{"do": "load", "file": weights as float32 one after another, "rows": images as float32, "labels": int64, "count": n, "threads": 1}
{"do": "run", "work": "logra" | "covariances" | "squares" | "torch.func" | "torch.func+projection", "batch": b}
                      goes over all rows once and answers {"wall", "cpu", "digest"}

Hooks keep what goes into a layer and what flows back out of it; no weight has a gradient of its own, as in kronfluence.
"""

import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from peer import serve

state = {}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = torch.nn.Conv2d(1, 16, 3, padding=1)
        self.conv1 = torch.nn.Conv2d(16, 32, 3, padding=1)
        self.hidden = torch.nn.Linear(1568, 64)
        self.logits = torch.nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv0(x)), 2)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return self.logits(F.relu(self.hidden(x.flatten(1))))


def load(request):
    torch.set_num_threads(request["threads"])
    net = Net().eval()
    flat = torch.from_numpy(np.fromfile(request["file"], np.float32))
    at = 0
    for parameter in net.parameters():
        size = parameter.numel()
        parameter.data = flat[at : at + size].reshape(parameter.shape).clone()
        parameter.requires_grad_(False)
        at += size
    x = torch.from_numpy(np.fromfile(request["rows"], np.float32)).reshape(-1, 1, 28, 28)
    y = torch.from_numpy(np.fromfile(request["labels"], np.int64))
    state.update(net=net, x=x, y=y, layers=[net.conv0, net.conv1, net.hidden, net.logits])
    generator = torch.Generator().manual_seed(1)
    draw = lambda k, size: torch.eye(size) if size <= k else torch.randn(k, size, generator=generator) / math.sqrt(k)
    state["project"] = [(draw(16, out), draw(16, width)) for out, width in sizes()]
    turn = lambda size: torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
    state["rotate"] = [(turn(out), turn(width)) for out, width in sizes()]


def sizes():
    return [(layer.weight.shape[0], layer.weight[0].numel() + 1) for layer in state["layers"]]


def factors(batch):
    """Pairs (inputs with a 1 for the bias, what flows back), [N, T, width], of every layer, a batch at a time."""
    net, x, y, layers = state["net"], state["x"], state["y"], state["layers"]
    kept = {}

    def keep(layer, given, output):
        kept[layer] = [given[0].detach(), None]
        output = output if output.requires_grad else output.requires_grad_()
        output.register_hook(lambda gradient: kept[layer].__setitem__(1, gradient.detach()))
        return output

    handles = [layer.register_forward_hook(keep) for layer in layers]
    for start in range(0, len(x), batch):
        loss = F.cross_entropy(net(x[start : start + batch]), y[start : start + batch], reduction="sum")
        loss.backward()
        with torch.no_grad():
            yield [sides(layer, *kept[layer]) for layer in layers]
    for handle in handles:
        handle.remove()


def sides(layer, a, s):
    if isinstance(layer, torch.nn.Conv2d):
        a = F.unfold(a, 3, padding=1).transpose(1, 2)
        s = s.flatten(2).transpose(1, 2)
    else:
        a, s = a[:, None], s[:, None]
    return torch.cat([a, a.new_ones(*a.shape[:2], 1)], 2), s


def logra(batch):
    norm = 0.0
    for pairs in factors(batch):
        for (a, s), (left, right) in zip(pairs, state["project"]):
            norm += torch.bmm((s @ left.T).transpose(1, 2), a @ right.T).square().sum().item()
    return [norm]


def covariances(batch):
    sums = [(torch.zeros(width, width), torch.zeros(out, out)) for out, width in sizes()]
    for pairs in factors(batch):
        for (a, s), (inputs, outputs) in zip(pairs, sums):
            a, s = a.flatten(0, 1), s.flatten(0, 1)
            inputs.addmm_(a.T, a)
            outputs.addmm_(s.T, s)
    return [total.trace().item() for pair in sums for total in pair]


def squares(batch):
    sums = [torch.zeros(out, width) for out, width in sizes()]
    for pairs in factors(batch):
        for (a, s), (left, right), total in zip(pairs, state["rotate"], sums):
            if a.shape[1] == 1:
                total.addmm_((s[:, 0] @ left).square().T, (a[:, 0] @ right).square())
            else:
                total += (left.T @ torch.bmm(s.transpose(1, 2), a) @ right).square().sum(0)
    return [total.sum().item() for total in sums]


def per_sample(batch, use):
    net, x, y = state["net"], state["x"], state["y"]
    parameters = {name: value.detach() for name, value in net.named_parameters()}

    def loss(p, row, label):
        return F.cross_entropy(torch.func.functional_call(net, p, (row[None],)), label[None])

    gradients = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))
    norm = 0.0
    for start in range(0, len(x), batch):
        found = gradients(parameters, x[start : start + batch], y[start : start + batch])
        norm += use(torch.cat([value.flatten(1) for value in found.values()], 1))
    return [norm]


def dense_projection(batch):
    matrix = torch.randn(sum(p.numel() for p in state["net"].parameters()), 512) / math.sqrt(512)
    return per_sample(batch, lambda g: (g @ matrix).square().sum().item())


WORKS = {
    "logra": logra,
    "covariances": covariances,
    "squares": squares,
    "torch.func": lambda batch: per_sample(batch, lambda g: g.square().sum().item()),
    "torch.func+projection": dense_projection,
}


def run(request):
    wall, cpu = time.perf_counter(), time.process_time()
    digest = WORKS[request["work"]](request["batch"])
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "digest": digest}


if __name__ == "__main__":
    serve({"load": load, "run": run})
