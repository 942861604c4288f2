"""The variables of the original's networks, listed by a program of its own.

Written from the structure of the original (clovaai/assembled-cnn), not from `nets`: what every
function there makes, in its order, with TensorFlow 1's way of counting names within a scope.
"""

import collections

BLOCKS = {
    1: {50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3], 200: [3, 24, 36, 3]},
    2: {50: [3, 4, 6, 3], 101: [4, 8, 18, 3], 152: [5, 12, 30, 3]},
}


class Scope:
    """A variable scope: counts the names of layers and of scopes inside it."""

    def __init__(self, path, listed):
        self.path = path
        self.listed = listed
        self.counts = collections.Counter()

    def name(self, kind):
        number = self.counts[kind]
        self.counts[kind] += 1
        return f"{self.path}/{kind}_{number}" if number else f"{self.path}/{kind}"

    def inside(self, kind):
        return Scope(self.name(kind), self.listed)

    def conv(self, size, inputs, outputs, name=None):
        path = f"{self.path}/{name}" if name else self.name("conv2d")
        self.listed.append([f"{path}/kernel", [size, size, inputs, outputs]])
        return outputs

    def norm(self, channels, name=None):
        path = f"{self.path}/{name}" if name else self.name("batch_normalization")
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.listed.append([f"{path}/{leaf}", [channels]])

    def conv_norm(self, size, inputs, outputs):
        self.conv(size, inputs, outputs)
        self.norm(outputs)
        return outputs


def block_layer(scope, inputs, filters, blocks, options):
    """A row of bottlenecks; the first one projects its input."""
    for number in range(blocks):
        if number == 0:
            scope.conv_norm(1, inputs, 4 * filters)
        scope.conv_norm(1, inputs, filters)
        if options.get("use_sk_block"):
            scope.conv_norm(3, filters, 2 * filters)
            attention, width = scope.inside("sk_block"), max(filters // 2, 32)
            attention.conv(1, filters, width, "sk_fc_1")
            attention.norm(width)
            attention.conv(1, width, 2 * filters, "sk_fc_2")
        else:
            scope.conv_norm(3, filters, filters)
        inputs = scope.conv_norm(1, filters, 4 * filters)
        if options.get("use_se_block"):
            excite = scope.inside("se_block")
            excite.conv(1, inputs, inputs // 16, "seblock_dense_1")
            excite.conv(1, inputs // 16, inputs, "seblock_dense_2")
    return inputs


def stem(scope, options):
    """The first convolution, or the three of ResNet-D; the last batch norm is left out."""
    if not options.get("use_resnet_d"):
        scope.conv(7, 3, 64)
        return
    scope.conv_norm(3, 3, 32)
    scope.conv_norm(3, 32, 32)
    scope.conv(3, 32, 64)


def big_little(root, blocks, options):
    alpha, beta = options.get("bl_alpha", 2), options.get("bl_beta", 4)
    stem(root.inside("stage0"), options)
    root.inside("stage0").norm(64)
    pool = Scope(f"{root.path}/stage0/pool", root.listed)
    pool.conv_norm(3, 64, 64)
    pool.conv_norm(3, 64, 64 // alpha)
    pool.conv_norm(3, 64 // alpha, 64 // alpha)
    pool.conv_norm(1, 64 // alpha, 64)
    channels = pool.conv_norm(1, 64, 64)
    for number in (1, 2, 3):
        filters, depth = 32 * 2**number, blocks[number - 1]
        here = root.inside(f"stage{number}")
        block_layer(here.inside(f"big{number}"), channels, filters, depth - 1, options)
        little = here.inside(f"little{number}")
        thin = block_layer(little, channels, filters // alpha, max(1, depth // beta - 1), options)
        little.conv_norm(1, thin, 4 * filters)
        merge = here.inside(f"merge{number}")
        channels = block_layer(merge, 4 * filters, filters, 1, options)
    return block_layer(root.inside("stage4"), channels, 512, blocks[3], options)


def listing(classes=11, resnet_version=1, resnet_size=50, embedding_size=0, **options):
    """[name, shape] of every variable, in the order in which the original makes them."""
    root = Scope("resnet_model", [])
    blocks = BLOCKS[resnet_version][resnet_size]
    if resnet_version == 2:
        channels = big_little(root, blocks, options)
    else:
        stem(root, options)
        root.norm(64)
        channels = 64
        for index, depth in enumerate(blocks):
            channels = block_layer(root, channels, 64 * 2**index, depth, options)
    if embedding_size:
        channels = root.conv(1, channels, embedding_size, "embedding_dense")
        root.norm(channels, "embedding_dense_batch_normalization")
    root.listed.append(["resnet_model/dense/kernel", [channels, classes]])
    root.listed.append(["resnet_model/dense/bias", [classes]])
    return root.listed
