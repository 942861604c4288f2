"""The names of layers, and what they become in the original's TensorFlow 1 checkpoints.

A layer gets its original name when it is made, from a `ScopeNamer` that counts as TensorFlow 1
did: within one scope the second `conv2d` is `conv2d_1`. Keras forbids slashes in some uses of a
layer name, so layers carry the name with dots (`stage1.big1.conv2d_3`); the checkpoint's name is
`resnet_model/stage1/big1/conv2d_3/kernel`.
"""

from __future__ import annotations

ROOT = "resnet_model"
MOBILENET_ROOT = "mobilenet_model"
_SEPARATOR = "."


class ScopeNamer:
    """Hands out unique names within one scope, as a TensorFlow 1 variable scope did."""

    def __init__(self, path: str = "", made: list[str] | None = None) -> None:
        """Starts a scope of that dotted name; `made` are the names that the model has so far."""
        self.path = path
        self.made = [] if made is None else made
        self._counts: dict[str, int] = {}

    def unique(self, kind: str) -> str:
        """Returns `kind` the first time, then `kind_1`, `kind_2`, ..., with the scope in front."""
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        name = f"{kind}_{count}" if count else kind
        self.made.append(f"{self.path}{_SEPARATOR}{name}" if self.path else name)
        return self.made[-1]

    def scope(self, kind: str) -> ScopeNamer:
        """Opens a new scope inside this one; its name, which may hold dots, is unique too."""
        return ScopeNamer(self.unique(kind), self.made)


def root_of(architecture: str) -> str:
    """The scope that a network's variables are in; also the name of its Keras model."""
    return MOBILENET_ROOT if architecture == "mobilenet_v1" else ROOT


def original_name(root: str, path: str, leaf: str) -> str:
    """The checkpoint's name of the variable `leaf` of the layer of that dotted name."""
    return f"{root}/{path.replace(_SEPARATOR, '/')}/{leaf}"
