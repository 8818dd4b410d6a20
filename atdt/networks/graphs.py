"""Cutting the fx graph of a module at a node."""

import difflib
import inspect
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, fx, nn

from atdt.errors import NetworkError


def traced(module: nn.Module) -> fx.Graph:
    """The graph of `module.forward(image)`; further arguments take their defaults.

    Raises:
        NetworkError: it cannot be traced, takes more than an image, or is another graph in
            training than in evaluation.
    """
    name = type(module).__name__
    arguments = [
        argument
        for argument in inspect.signature(module.forward).parameters.values()
        if argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
    ]
    required = [argument.name for argument in arguments if argument.default is argument.empty]
    if len(required) > 1:
        raise NetworkError(f"{name}: takes {', '.join(required)}; only an image can be passed")
    defaults = {argument.name: argument.default for argument in arguments[1:]}
    was_training = module.training
    try:
        graphs = [
            fx.Tracer().trace(module.train(training), concrete_args=defaults)
            for training in (False, True)
        ]
    except (fx.proxy.TraceError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise NetworkError(f"{name}: torch.fx cannot trace it ({reason})") from None
    finally:
        module.train(was_training)
    if str(graphs[0]) != str(graphs[1]):
        raise NetworkError(
            f"{name}: its graph in training differs from the one in evaluation; make what depends "
            "on it modules (nn.Dropout, say), which know their own mode"
        )
    return graphs[1]


def image_of(graph: fx.Graph) -> fx.Node:
    """The node that stands for the image."""
    return next(node for node in graph.nodes if node.op == "placeholder")


def find_node(graph: fx.Graph, name: str) -> fx.Node:
    """The last node inside the module of that (dotted) name, else the node of that name.

    Raises:
        NetworkError: there is neither; the message lists similar names.
    """
    inside = [node for node in graph.nodes if name in _modules(node)]
    if inside:
        return inside[-1]
    nodes = {node.name: node for node in graph.nodes if node.op not in ("placeholder", "output")}
    if name in nodes:
        return nodes[name]
    names = {module for node in graph.nodes for module in _modules(node)} | nodes.keys()
    near = difflib.get_close_matches(name, sorted(names), n=5, cutoff=0.3)
    raise NetworkError(f"node {name!r}: not in the graph; near it are {', '.join(near) or 'none'}")


def find_output(graph: fx.Graph, key: str | int | None) -> fx.Node:
    """What the module returns, or the item `key` of it where it returns several.

    Raises:
        NetworkError: no such item, or several and no key.
    """
    returned: Any = next(node for node in graph.nodes if node.op == "output").args[0]
    if isinstance(returned, list | tuple):
        returned = dict(enumerate(returned))
    if key is None and isinstance(returned, dict) and len(returned) == 1:
        key = next(iter(returned))
    if key is not None:
        if not isinstance(returned, dict) or key not in returned:
            keys = list(returned) if isinstance(returned, dict) else "one tensor, without keys"
            raise NetworkError(f"output {key!r}: the module returns {keys}")
        returned = returned[key]
    if not isinstance(returned, fx.Node):
        raise NetworkError(f"the module returns {list(returned)}: choose one with output=")
    return returned


def label_of(node: fx.Node) -> str:
    """What a message calls a node: the innermost module that it is in, and its own name."""
    modules = _modules(node)
    if node.op == "placeholder":
        return f"the image {node.name!r}"
    if not modules or node.op == "call_module":
        return repr(str(node.target) if node.op == "call_module" else node.name)
    return f"{node.name!r} in {modules[-1]!r}"


def image_shape(features: Tensor, factor: int, dim: int | None = None) -> Any:
    """The shape of the images that `features` are of, or one number of it."""
    count, _, height, width = features.shape
    shape = torch.Size((count, 3, height * factor, width * factor))
    return shape if dim is None else shape[dim]


class Cutter:
    """Takes pieces off a graph, from the image to the output.

    Between two pieces one tensor is handed on. The size of the image is handed on as well, in the
    only form that survives a transfer network: computed from the size of that tensor.
    """

    def __init__(self, module: nn.Module, graph: fx.Graph):
        self._module = module
        self._graph = graph
        self._image = image_of(graph)
        self._start = self._image
        self._free = self._free_nodes()
        self._done: set[fx.Node] = {self._image}
        for node in graph.nodes:
            if self._overwrites(node) and not node.users:
                raise NetworkError(
                    f"{label_of(node)} changes a tensor in place and its result is not used, so it "
                    "would be lost: write x = relu_(x), not relu_(x)"
                )

    def take(self, end: fx.Node, factor: int) -> fx.GraphModule:
        """The piece from the last cut to `end`, as a module of one tensor.

        Args:
            end: the node that the next piece starts from.
            factor: side of an image over the side of this piece's input.

        Raises:
            NetworkError: `end` does not depend on the last cut, another tensor crosses that cut,
                or the piece changes its input in place.
        """
        needed = self._needed(end)
        piece = fx.Graph()
        features = piece.placeholder("features")
        copies = {self._start: features}
        for node in self._graph.nodes:
            if node not in needed:
                continue
            if self._start is not self._image and self._is_image_shape(node):
                dim = node.args[1:] if node.op == "call_method" else ()
                copies[node] = piece.call_function(
                    image_shape, (features, factor, *dim), dict(node.kwargs)
                )
            else:
                copies[node] = piece.node_copy(node, copies.__getitem__)
        piece.output(copies[end])
        self._done |= needed - self._free
        self._start = end
        return fx.GraphModule(self._module, piece)

    def _needed(self, end: fx.Node) -> set[fx.Node]:
        """The nodes between the last cut and `end`."""
        needed: set[fx.Node] = set()
        crossing: set[fx.Node] = set()
        reached = False
        waiting = [end]
        while waiting:
            node = waiting.pop()
            if node is self._start:
                reached = True
            elif node in self._done:
                crossing.add(node)
            elif node not in needed:
                needed.add(node)
                if self._start is self._image or not self._is_image_shape(node):
                    waiting += node.all_input_nodes
        if not reached:
            raise NetworkError(
                f"{label_of(end)} does not depend on {label_of(self._start)}: name the nodes in "
                "order, from the image to the output"
            )
        if crossing:
            first = next(node for node in self._graph.nodes if node in crossing)
            raise NetworkError(
                f"cut at {label_of(self._start)}: {label_of(first)} is needed on both sides of it; "
                "cut where one tensor holds all that follows"
            )
        self._check_in_place(needed)
        return needed

    def _check_in_place(self, needed: Collection[fx.Node]) -> None:
        """Refuse a piece that overwrites the features that it is given."""
        for node in self._start.users:
            if node in needed and self._start is not self._image and self._overwrites(node):
                raise NetworkError(
                    f"cut at {label_of(self._start)}: {label_of(node)} changes it in place; cut "
                    "behind that"
                )

    def _overwrites(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return bool(getattr(self._module.get_submodule(node.target), "inplace", False))
        if node.op == "call_method":
            return node.target.endswith("_")
        name = getattr(node.target, "__name__", "")
        return name.endswith("_") or bool(node.kwargs.get("inplace", False))

    def _is_image_shape(self, node: fx.Node) -> bool:
        of_image = bool(node.args) and node.args[0] is self._image
        if node.op == "call_function":
            return of_image and node.target is getattr and node.args[1] == "shape"
        return of_image and node.op == "call_method" and node.target == "size"

    def _free_nodes(self) -> set[fx.Node]:
        """What any piece can compute by itself: from the image's size, or from nothing."""
        free: set[fx.Node] = set()
        for node in self._graph.nodes:
            if node.op in ("placeholder", "output"):
                continue
            if self._is_image_shape(node) or all(i in free for i in node.all_input_nodes):
                free.add(node)
        return free


def _modules(node: fx.Node) -> list[str]:
    """Dotted names of the modules that a node is in, outermost first."""
    return list(node.meta.get("nn_module_stack", {}))
