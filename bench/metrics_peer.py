"""The PyTorch side of the benchmark of metrics: the same ten scores, all inputs at once or one perturbed input at a time.

{"do": "load", "net": ..., "file": ..., "weights": {name: [offset, shape]}, "threads": n}
{"do": "data", "file": ..., "shape": [N, C, H, W], "classes": [...]}   float32 inputs, then float64 maps [N, H, W]
{"do": "prepare", "way": "batched" | "single"}                         what the next runs do
{"do": "run"}      scores every input by every metric and answers {"wall": seconds, "cpu": seconds}
{"do": "digest"}   answers {metric: [score of each input]}

Every metric takes a function `at(batch, rows)` that gives the logits of perturbed inputs of the named rows. Batched, a
batch holds one perturbation of all inputs; one by one, each input is perturbed, run and scored for itself, as most
evaluation packages do it. The reference is zero, parameters are the defaults of Wherefore, ROAD adds no noise.
"""

import math
import time

from peer import resnet18, serve, torch

F = torch.nn.functional
state = {}


def lenet(w, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], 1, 2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"])), 2)
    x = F.relu(torch.addmm(w["fc1.bias"], x.flatten(1), w["fc1.weight"]))
    x = F.relu(torch.addmm(w["fc2.bias"], x, w["fc2.weight"]))
    return torch.addmm(w["logits.bias"], x, w["logits.weight"])


def shapes(w, x):
    x = F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], 2, 2))
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"], 1, 1)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv3.weight"], w["conv3.bias"], 1, 1)), 2)
    x = F.relu(F.conv2d(x, w["conv4.weight"], w["conv4.bias"], 1, 1)).mean((2, 3))
    return torch.addmm(w["logits.bias"], x, w["logits.weight"])


def load(request):
    torch.set_num_threads(request["threads"])
    torch.set_grad_enabled(False)
    weights = {}
    with open(request["file"], "rb") as file:
        for name, (offset, shape) in request["weights"].items():
            file.seek(offset)
            weights[name] = torch.frombuffer(bytearray(file.read(4 * math.prod(shape))), dtype=torch.float32).reshape(shape)
    state.clear()
    state.update(model=lambda x, net=NETS[request["net"]]: net(weights, x))


def data(request):
    count, channels, height, width = request["shape"]
    with open(request["file"], "rb") as file:
        x = torch.frombuffer(bytearray(file.read(4 * count * channels * height * width)), dtype=torch.float32)
        maps = torch.frombuffer(bytearray(file.read()), dtype=torch.float64)
    state.update(
        x=x.reshape(request["shape"]),
        maps=maps.reshape(count, height * width),
        classes=torch.tensor(request["classes"]),
    )


def rounded(share, groups):
    return math.floor(share * groups + 0.5)


class Inputs:
    """Some of the inputs with their maps: all of them, or one."""

    def __init__(self, rows):
        self.x = state["x"][rows]
        self.maps = state["maps"][rows]
        self.classes = state["classes"][rows]
        self.groups = self.maps.shape[1]
        self.value, self.confidence = self.outputs(self.x)
        self.reference_value, self.reference_confidence = self.outputs(torch.zeros_like(self.x))
        order = self.maps.argsort(1, descending=True)
        places = torch.arange(self.groups).expand_as(order)
        self.rank = torch.empty_like(order).scatter_(1, order, places)
        least, most = self.maps.min(1, keepdim=True).values, self.maps.max(1, keepdim=True).values
        self.mask = (self.maps - least) / (most - least)

    def outputs(self, z):
        logits = state["model"](z)
        index = self.classes.unsqueeze(1)
        return logits.gather(1, index)[:, 0].double(), logits.softmax(1).gather(1, index)[:, 0].double()

    def kept(self, keep):
        """Logit and probability where only the groups of `keep` [N, G] are left."""
        return self.outputs(self.x * keep.view(-1, 1, *self.x.shape[2:]))

    def normalised(self, confidence):
        span = (self.confidence - self.reference_confidence).clamp(min=1e-3)
        return ((confidence - self.reference_confidence) / span).clamp(0, 1)


def area(positions, values):
    total = sum((values[i] + values[i + 1]) / 2 * (positions[i + 1] - positions[i]) for i in range(len(values) - 1))
    return total / (positions[-1] - positions[0])


def msi_literal(one):
    thresholds = [0.5 + 0.5 * i / 16 for i in range(17)]
    kept, removed = [], []
    for threshold in thresholds:
        keep = one.mask >= threshold
        kept.append(one.normalised(one.kept(keep)[1]))
        removed.append(one.normalised(one.kept(~keep)[1]))
    penalty = (one.mask >= 0.5).double().mean(1)
    return 0.5 * (kept[0] - removed[0]) + 0.5 * area(thresholds, kept) - 0.5 * area(thresholds, removed) - penalty


def insertion(one):
    counts = [rounded((k + 1) / 17, one.groups) for k in range(16)]
    inner = [one.normalised(one.kept(one.rank < count)[1]) for count in counts]
    ends = one.normalised(one.reference_confidence), one.normalised(one.confidence)
    return area([0, *counts, one.groups], [ends[0], *inner, ends[1]])


def deletion(one):
    counts = [rounded((k + 1) / 17, one.groups) for k in range(16)]
    inner = [one.normalised(one.kept(one.rank >= count)[1]) for count in counts]
    ends = one.normalised(one.reference_confidence), one.normalised(one.confidence)
    return area([0, *counts, one.groups], [ends[1], *inner, ends[0]])


def erasure(one, keeps):
    total = 0
    for share in (0.01, 0.05, 0.1, 0.2, 0.5):
        top = one.rank < max(1, rounded(share, one.groups))
        total = total + one.kept(top if keeps else ~top)[1]
    return one.confidence - total / 5


def average_drop(one):
    masked = one.kept(one.mask.float())[1]
    return (one.confidence - masked).clamp(min=0) / one.confidence.clamp(min=1e-6)


NEIGHBOURS = torch.tensor([[1.0, 2, 1], [2, 0, 2], [1, 2, 1]], dtype=torch.float64).view(1, 1, 3, 3)


def imputed(x, known, tolerance=1e-3):
    """Unknown places as the weighted mean of their neighbours: conjugate gradients over all inputs at once."""
    count, channels, height, width = x.shape
    planes = x.double().reshape(count * channels, 1, height, width)
    known = known.view(count, 1, height, width).repeat_interleave(channels, 0).double()
    unknown = 1 - known
    weights = F.conv2d(torch.ones_like(planes[:1]), NEIGHBOURS, padding=1)
    right = F.conv2d(planes * known, NEIGHBOURS, padding=1) * unknown
    u = torch.zeros_like(planes)
    residual = right.clone()
    direction = residual / weights
    rho = (residual * direction).sum((1, 2, 3), keepdim=True)
    limit = tolerance * (planes.amax((1, 2, 3), keepdim=True) - planes.amin((1, 2, 3), keepdim=True))
    for _ in range(2000):
        if bool(((residual / weights).abs() <= limit).all()):
            break
        product = (weights * direction - F.conv2d(direction, NEIGHBOURS, padding=1)) * unknown
        step = rho / (product * direction).sum((1, 2, 3), keepdim=True).clamp(min=1e-300)
        u += step * direction
        residual -= step * product
        preconditioned = residual / weights
        following = (residual * preconditioned).sum((1, 2, 3), keepdim=True)
        direction = preconditioned + following / rho.clamp(min=1e-300) * direction
        rho = following
    return (planes * known + u * unknown).reshape(x.shape).float()


def road(one):
    total = 0
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        count = rounded(share, one.groups)
        least_first = one.outputs(imputed(one.x, one.rank < one.groups - count))[1]
        most_first = one.outputs(imputed(one.x, one.rank >= count))[1]
        total = total + least_first - most_first
    return total / 5


def removals(one, sizes):
    """What the attributions of random sets promise, and what removing the sets does, [samples, N] each."""
    promised, measured = [], []
    for size in sizes:
        numbers = torch.rand(one.maps.shape)
        if isinstance(size, int):
            removed = torch.zeros(one.maps.shape, dtype=torch.bool)
            removed.scatter_(1, numbers.topk(size, 1, sorted=False).indices, True)
        else:
            removed = numbers.argsort(1).argsort(1) < size
        promised.append((one.maps * removed).sum(1))
        measured.append(one.value - one.kept(~removed)[0])
    return torch.stack(promised), torch.stack(measured)


def correlation(promised, measured):
    a, b = promised - promised.mean(0), measured - measured.mean(0)
    return (a * b).sum(0) / ((a * a).sum(0) * (b * b).sum(0)).sqrt()


def infidelity(one):
    promised, measured = removals(one, [torch.randint(1, one.groups + 1, (len(one.maps), 1)) for _ in range(24)])
    scale = ((promised * measured).sum(0) / (promised**2).sum(0)).clamp(min=0)
    return ((scale * promised - measured) ** 2).sum(0) / (measured**2).sum(0)


def sensitivity_n(one):
    correlations = [correlation(*removals(one, [rounded(share, one.groups)] * 24)) for share in (0.05, 0.1, 0.25, 0.5)]
    return sum(correlations) / 4


def faithfulness_correlation(one):
    return correlation(*removals(one, [rounded(0.2, one.groups)] * 24))


METRICS = {
    "msi-literal": msi_literal,
    "insertion": insertion,
    "deletion": deletion,
    "sufficiency": lambda one: erasure(one, True),
    "comprehensiveness": lambda one: erasure(one, False),
    "road": road,
    "average-drop": average_drop,
    "infidelity": infidelity,
    "sensitivity-n": sensitivity_n,
    "faithfulness-correlation": faithfulness_correlation,
}
NETS = {"lenet": lenet, "shapes": shapes, "resnet18": resnet18}


def batched():
    one = Inputs(slice(None))
    return {name: metric(one).tolist() for name, metric in METRICS.items()}


def single():
    scores = {name: [] for name in METRICS}
    for row in range(len(state["x"])):
        one = Inputs(slice(row, row + 1))
        for name, metric in METRICS.items():
            scores[name].append(metric(one).item())
    return scores


def prepare(request):
    state["way"] = {"batched": batched, "single": single}[request["way"]]


def run():
    wall, cpu = time.perf_counter(), time.process_time()
    state["result"] = state["way"]()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


COMMANDS = {"load": load, "data": data, "prepare": prepare, "run": lambda _: run(), "digest": lambda _: state["result"]}

serve(COMMANDS)
