"""Works the flags of a network out of the names and shapes of its variables.

Everything that makes a variable is seen: depth, widths, BigLittle, stem, selective kernels,
channel attention, embedding, classes. What makes none (blurring, pooling, zero gamma, DropBlock,
...) cannot be: `UNSEEN` names it.
"""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from nets import ModelConfig, depths, variable_shapes
from nets.variable_names import MOBILENET_ROOT, ROOT
from official.run.errors import RunError

Shapes = Mapping[str, tuple[int, ...]]

UNSEEN = {
    "anti_alias_type": "where strided layers are blurred, and anti_alias_filter_size",
    "pool_type": "gap or gem",
    "use_resnet_d": "2x2 averages in shortcuts; a deep stem is taken for ResNet-D's",
    "use_resnet_b": "whether a bottleneck has its stride on the 3x3",
    "max_pool_padding": "same, or symmetric as in Keras, torchvision and timm",
    "shortcut_pool": "where ResNet-D averages: always, or strided as in timm",
    "no_downsample": "the stride of the last stage",
    "zero_gamma": "starting values only",
    "use_dropblock": "training only",
    "bn_momentum": "training only",
    "bn_epsilon": "1e-5 in all of the original",
}


@dataclasses.dataclass(frozen=True)
class Inferred:
    """The network that a list of variables describes.

    `fields` of `nets.ModelConfig` are shown by the variables, for `reasons`; what is `assumed` is
    not shown, but follows from what is known of the paper's networks.
    """

    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    assumed: dict[str, Any] = dataclasses.field(default_factory=dict)
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, field: str, value: Any, reason: str) -> None:
        """Notes that `reason` shows the value of a field."""
        self.fields[field] = value
        self.reasons[field] = reason


def infer(shapes: Shapes) -> Inferred:
    """Returns the network whose variables, named as in the original, have these `shapes`.

    Raises:
      RunError: no network of this program has such variables; the message says what is odd.
    """
    facts = Inferred()
    mobile = any(name.startswith(f"{MOBILENET_ROOT}/") for name in shapes)
    root = f"{MOBILENET_ROOT if mobile else ROOT}/"
    network = {name.removeprefix(root): s for name, s in shapes.items() if name.startswith(root)}
    facts.add("architecture", "mobilenet_v1" if mobile else "resnet", f"the scope is {root[:-1]}")
    width = (_mobilenet if mobile else _resnet)(network, facts)
    _squeeze_excitation(network, facts)
    _head(network, width, facts)
    _efficient_attention(network, shapes, facts)
    if facts.fields.get("big_little") and facts.fields.get("use_sk_block"):
        # Every published network of this kind blurs its strided convolutions.
        facts.assumed.update(anti_alias_type="sconv", anti_alias_filter_size=3)
    return facts


def _resnet(network: Shapes, facts: Inferred) -> int:
    """Everything of a ResNet but gates and head; returns the channels of its last map."""
    big_little = any(name.startswith("stage1/") for name in network)
    facts.add("big_little", big_little, "scopes stage0 to stage4" if big_little else "one scope")
    blocks, bottleneck = (_big_little if big_little else _plain)(network, facts)
    _depth(blocks, big_little, bottleneck, facts)
    _selective_kernel(network, facts)
    return 8 * facts.fields["num_filters"] * (4 if bottleneck else 1)


def _mobilenet(network: Shapes, facts: Inferred) -> int:
    """Width of a MobileNet-V1; returns the channels of its last map."""
    kernels = _kernels(network)
    if not kernels or kernels[0][:3] != (3, 3, 3):
        _fail("no stem: conv2d/kernel should be [3, 3, 3, width / 2]")
    width = 2 * kernels[0][-1]
    facts.add("num_filters", width, f"the stem gives {kernels[0][-1]} channels")
    return 16 * width


def _kernels(network: Shapes, scope: str = "") -> list[tuple[int, ...]]:
    """Shapes of the convolutions `conv2d`, `conv2d_1`, ... of one scope, in their order."""
    found = {}
    for name, shape in network.items():
        match = re.fullmatch(rf"{re.escape(scope)}conv2d(?:_(\d+))?/kernel", name)
        if match and len(shape) == 4:
            found[int(match[1] or 0)] = shape
    return [found[number] for number in sorted(found)]


def _plain(network: Shapes, facts: Inferred) -> tuple[tuple[int, ...], bool]:
    """Stem, width and blocks of a network of one branch."""
    kernels = _kernels(network)
    deep = bool(kernels) and kernels[0][0] == 3
    stem = 3 if deep else 1
    if len(kernels) <= stem or kernels[0][2] != 3:
        _fail("no stem: conv2d/kernel should be [7, 7, 3, width] or [3, 3, 3, width / 2]")
    width = kernels[stem - 1][-1]
    facts.add("use_resnet_d", deep, f"the stem is {_stem_words(kernels[0], deep)}")
    facts.add("num_filters", width, f"the stem gives {width} channels")
    body = kernels[stem:]
    pointwise = sum(shape[0] == 1 for shape in body)
    spatial = [shape for shape in body if shape[0] == 3]
    bottleneck = pointwise > len(spatial)
    facts.add("no_shortcut", not pointwise, f"{pointwise} 1x1 convolutions")
    # A bottleneck has one 3x3, which reads its width; a basic block two, the second gives it.
    widths = [s[2] for s in spatial] if bottleneck else [s[3] for s in spatial[1::2]]
    return _per_stage(widths, width), bottleneck


def _stem_words(first: tuple[int, ...], deep: bool) -> str:
    """The kind of stem in words."""
    return "three 3x3 convolutions" if deep else f"a {first[0]}x{first[0]} convolution"


def _per_stage(widths: list[int], width: int) -> tuple[int, ...]:
    """Number of blocks of each of the four stages, from the width of each block."""
    counts = Counter(widths)
    blocks = tuple(counts.pop(width * 2**stage, 0) for stage in range(4))
    if counts:
        _fail(f"3x3 convolutions of {sorted(counts)} channels, but the stem has {width}")
    return blocks


def _big_little(network: Shapes, facts: Inferred) -> tuple[tuple[int, ...], bool]:
    """Width, branches and blocks of a BigLittle network."""
    stem = _kernels(network, "stage0/")
    pool = _kernels(network, "stage0/pool/")
    if len(stem) not in (1, 3) or len(pool) != 5:
        _fail("stage0 of a BigLittle network should hold a stem and five convolutions in its pool")
    deep = len(stem) == 3
    facts.add("use_resnet_d", deep, f"stage0 has {_stem_words(stem[0], deep)}")
    width = stem[-1][-1]
    facts.add("num_filters", width, f"the stem gives {width} channels")
    thin = pool[1][-1]
    alpha = width // thin if thin else 0
    if not alpha or width % thin:
        _fail(f"the little branch of stage0 has {thin} channels, the big one {width}")
    facts.add("bl_alpha", alpha, f"the little branch of stage0 has {thin} of {width} channels")
    spatial = {
        scope: sum(shape[0] == 3 for shape in _kernels(network, scope))
        for scope in [f"stage{k}/{branch}{k}/" for k in (1, 2, 3) for branch in ("big", "little")]
    }
    blocks = tuple(spatial[f"stage{k}/big{k}/"] + 1 for k in (1, 2, 3))
    little = tuple(spatial[f"stage{k}/little{k}/"] for k in (1, 2, 3))
    blocks += (sum(shape[0] == 3 for shape in _kernels(network, "stage4/")),)
    candidates = [4, *range(1, max(blocks) + 1)]
    fitting = [b for b in candidates if little == tuple(max(1, n // b - 1) for n in blocks[:3])]
    if not fitting:
        _fail(f"little branches of {little} blocks beside stages of {blocks[:3]}")
    facts.add("bl_beta", fitting[0], f"the little branches have {_commas(little)} blocks")
    return blocks, True


def _depth(blocks: tuple[int, ...], big_little: bool, bottleneck: bool, facts: Inferred) -> None:
    """Looks the blocks up in the table of depths."""
    table = depths.BIG_LITTLE_BLOCKS if big_little else depths.BLOCKS
    fitting = [
        size
        for size, known in table.items()
        if known == blocks and (size not in depths.BASIC_SIZES) == bottleneck
    ]
    kind = "bottlenecks" if bottleneck else "basic blocks"
    if not fitting:
        known = "; ".join(f"{size}: {_commas(row)}" for size, row in table.items())
        _fail(f"stages of {_commas(blocks)} {kind}; known depths are {known}")
    facts.add("resnet_size", fitting[0], f"stages of {_commas(blocks)} {kind}")


def _selective_kernel(network: Shapes, facts: Inferred) -> None:
    """Selective kernels: the width of the attention says reduction and minimum."""
    pairs = {s[2:] for name, s in network.items() if name.endswith("sk_fc_1/kernel")}
    facts.add("use_sk_block", bool(pairs), "sk_fc_1" if pairs else "no sk_fc_1")
    if not pairs:
        return
    two = any(shape[:2] == (5, 5) for shape in network.values())
    said = "5x5 convolutions" if two else "no 5x5 convolution"
    facts.add("sk_type", "3x3_5x5" if two else "3x3_2x", said)
    least = sorted({width for _, width in pairs})
    candidates = [(2, 32)]
    candidates += [(r, 32) for r in range(1, 65)]
    candidates += [(r, minimum) for minimum in (*least, 1) for r in range(1, 65)]
    for reduction, minimum in candidates:
        if all(width == max(filters // reduction, minimum) for filters, width in pairs):
            seen = ", ".join(f"{filters} -> {width}" for filters, width in sorted(pairs))
            facts.add("sk_reduction", reduction, f"attention of {seen} channels")
            facts.add("sk_min_width", minimum, f"attention of {seen} channels")
            return
    _fail(f"selective kernels of {sorted(pairs)} channels follow no reduction and least width")


def _squeeze_excitation(network: Shapes, facts: Inferred) -> None:
    """Squeeze-and-excitation: the width between its two convolutions says the ratio."""
    pairs = {s[2:] for name, s in network.items() if name.endswith("seblock_dense_1/kernel")}
    facts.add("use_se_block", bool(pairs), "seblock_dense_1" if pairs else "no seblock_dense_1")
    if not pairs:
        return
    bias = any(name.endswith("seblock_dense_1/bias") for name in network)
    facts.add("se_bias", bias, "seblock_dense_1/bias" if bias else "no seblock_dense_1/bias")
    for ratio in (16, *range(1, max(pairs)[0] + 1)):
        if all(channels // ratio == width for channels, width in pairs):
            seen = ", ".join(f"{channels} -> {width}" for channels, width in sorted(pairs))
            facts.add("se_ratio", ratio, f"gates of {seen} channels")
            return
    _fail(f"squeeze-and-excitation of {sorted(pairs)} channels follows no ratio")


def _efficient_attention(network: Shapes, shapes: Shapes, facts: Inferred) -> None:
    """Efficient channel attention: one width for all, or one that follows the channels (0)."""
    sizes = {s[0] for name, s in network.items() if name.endswith("ecablock_conv/kernel")}
    facts.add("use_eca_block", bool(sizes), "ecablock_conv" if sizes else "no ecablock_conv")
    if not sizes:
        return
    for size in (0, *sorted(sizes)):
        wanted = variable_shapes(ModelConfig(**{**facts.fields, "eca_kernel_size": size}))
        if all(shape == shapes.get(n) for n, shape in wanted.items() if "ecablock_conv" in n):
            facts.add("eca_kernel_size", size, f"ecablock_conv of {_commas(sorted(sizes))}")
            return
    _fail(f"channel attention of widths {_commas(sorted(sizes))}")


def _head(network: Shapes, width: int, facts: Inferred) -> None:
    """Pooling, embedding and classes; `width` is that of the last map."""
    dense = network.get("dense/kernel")
    if dense is None or len(dense) != 2:
        _fail("no classifier: dense/kernel should be [features, classes]")
    facts.add("num_classes", dense[1], f"dense/kernel gives {dense[1]}")
    embedding = network.get("embedding_dense/kernel")
    size = embedding[-1] if embedding else 0
    facts.add("embedding_size", size, "embedding_dense" if embedding else "no embedding_dense")
    if embedding:
        norm = "embedding_dense_batch_normalization/gamma" in network
        said = "its batch norm is there" if norm else "its batch norm is not there"
        facts.add("embedding_batch_norm", norm, said)
    if "global_pool/exponent" in network:
        facts.add("pool_type", "gem", "global_pool/exponent")
        facts.add("gem_learnable", True, "global_pool/exponent")
    features = embedding[-2] if embedding else dense[0]
    if features != width:
        cells = features // width if width else 0
        if cells < 2 or features % width:
            _fail(f"the head reads {features} features, the last stage gives {width}")
        side = 32 * math.isqrt(cells)
        said = f"the head reads {cells} cells of {width} channels: images of {side} pixels"
        facts.add("pool_type", "flatten", said)


def _commas(numbers: Iterable[int]) -> str:
    """Returns numbers as `3, 4, 6, 3`."""
    return ", ".join(map(str, numbers))


def _fail(what: str) -> None:
    """Raises the RunError of variables that belong to no known network."""
    raise RunError(f"the checkpoint's variables belong to no network of this program: {what}.")
