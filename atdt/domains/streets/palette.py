"""The colours of surfaces: a few anchors for each, and a draw for every object."""

import numpy as np

from atdt.domains.streets.scene import Scene

Colour = tuple[float, float, float]


def _hex(*codes: str) -> tuple[Colour, ...]:
    return tuple(
        tuple(int(code[start : start + 2], 16) / 255.0 for start in (0, 2, 4)) for code in codes
    )


_COMMON: dict[str, tuple[Colour, ...]] = {
    "lamp": _hex("d8d8cc"),
    "red": _hex("c01818"),
    "white": _hex("f0f0f0"),
    "yellow": _hex("e8b818"),
    "blue": _hex("1c4ca8"),
    "green": _hex("187848"),
    "lightbox": _hex("202020"),
    "light_red": _hex("f03020"),
    "light_amber": _hex("f0a820"),
    "light_green": _hex("30d870"),
    "light_off": _hex("383434"),
    "tyre": _hex("1c1c1e"),
    "rim": _hex("a8a8a8", "707070"),
    "headlight": _hex("e8e8d8"),
    "taillight": _hex("a01818"),
    "plate": _hex("e0e0d0", "d8c850"),
    "cargo": _hex("d8d8d8", "b8c0c8"),
    "track": _hex("68605c", "58544e"),
    "rail": _hex("9c9c98"),
    "needles": _hex("2c4030", "3c4c38", "344838"),
    "skin": _hex("e8b898", "c89070", "8c5c40", "5c3c2c"),
    "hair": _hex("201814", "583820", "a08040", "888888"),
}

# Plain: clean, light, saturated; what the colour of a thing is says much about its class.
_PLAIN: dict[str, tuple[Colour, ...]] = {
    "road": _hex("6c6c70", "747478"),
    "walk": _hex("b0aca8", "b8b4b0"),
    "paving": _hex("a8a49c"),
    "grass": _hex("78a050", "88a858"),
    "facade": _hex("e0c8a0", "d8a888", "c8b8a8", "e0d8c0", "b88070"),
    "roof": _hex("a85040", "804838", "685850"),
    "wall": _hex("a09888", "8c8478"),
    "fence": _hex("986838", "b08048", "e0dccc"),
    "pole": _hex("505860", "788088"),
    "mast": _hex("705438"),
    "leaves": _hex("408838", "50983c", "307830"),
    "trunk": _hex("684828"),
    "paint": _hex("c82828", "2858b8", "e0e0e0", "d8b020", "288858", "303840"),
    "glass": _hex("384858", "485868"),
    "shirt": _hex("d83838", "3868c8", "e8c038", "e8e8e8", "9048a0", "38a0a0"),
    "trousers": _hex("283858", "383838", "684830", "486088"),
    "shoe": _hex("302420", "101010"),
    "hat": _hex("803020", "303030"),
    "bag": _hex("384860", "803830"),
    "umbrella": _hex("b02838", "284888"),
}

_PALE: dict[str, tuple[Colour, ...]] = _PLAIN | {
    "road": _hex("808078", "888480"),
    "walk": _hex("c8c0a8", "c0b8b0"),
    "grass": _hex("a0a860", "98b068"),
    "facade": _hex("f0e8d8", "e8d0b8", "d0d8e0", "e8e0a8"),
    "roof": _hex("707888", "986858"),
    "wall": _hex("b8b0a0", "a8a090"),
    "leaves": _hex("689850", "78a048", "588848"),
    "paint": _hex("a84040", "5078a0", "c8c8c0", "88a078"),
    "shirt": _hex("b86868", "6888b0", "c8b878", "d8d8d8"),
}

# Daylight: muted, darker, and overlapping between classes, as paint and dirt make them.
_DAYLIGHT: dict[str, tuple[Colour, ...]] = {
    "road": _hex("484644", "585450", "686460", "3c3c40"),
    "walk": _hex("8c8478", "787470", "94786c", "686460"),
    "paving": _hex("80786c", "746c68", "90847c"),
    "grass": _hex("6c6838", "585c30", "786c44"),
    "facade": _hex("8c4c38", "70655c", "a8987c", "5c6068", "b0a898", "7c5844", "98a0a4"),
    "roof": _hex("403838", "584840", "505860"),
    "wall": _hex("7c5444", "6c6860", "8c8474", "585450"),
    "fence": _hex("50483c", "3c4438", "6c5c4c", "404448"),
    "pole": _hex("3c4440", "585c60", "2c3430", "80807c"),
    "mast": _hex("54483c"),
    "leaves": _hex("3c4c24", "54582c", "685c28", "2c4028", "7c5c2c", "505c38"),
    "trunk": _hex("3c3428", "544c40"),
    "paint": _hex("24262c", "8c9094", "c4c4c0", "3c4858", "602428", "444c40", "686460"),
    "glass": _hex("20262c", "2c3438"),
    "shirt": _hex("2c3038", "584c44", "6c2c2c", "3c4c60", "888478", "a09890", "44503c"),
    "trousers": _hex("24242c", "3c4048", "484038", "2c3848"),
    "shoe": _hex("201c18", "504840", "a0a0a0"),
    "hat": _hex("302c28", "685040"),
    "bag": _hex("282828", "504030", "485058"),
    "umbrella": _hex("202428", "40384c"),
}

_DUSK: dict[str, tuple[Colour, ...]] = _DAYLIGHT | {
    "road": _hex("383840", "44444c", "505058"),
    "walk": _hex("686870", "747078", "5c5c64"),
    "facade": _hex("786860", "585868", "988c88", "68504c", "a09c98"),
    "leaves": _hex("2c3c2c", "3c4430", "344438"),
    "umbrella": _hex("181c24", "782830", "284868", "a89838"),
}

# Plain once more, with other anchors throughout: red bricks, slates, dark tar, yellowish plants.
_BRICK: dict[str, tuple[Colour, ...]] = {
    "road": _hex("50545c", "585a60"),
    "walk": _hex("d0c4a8", "c8bca4"),
    "paving": _hex("c09480"),
    "grass": _hex("90b848", "9cb84c"),
    "facade": _hex("b8604c", "c07850", "a85848", "e8dcc8", "d0b890"),
    "roof": _hex("505c70", "485060", "604c50"),
    "wall": _hex("c8a078", "b8886c"),
    "fence": _hex("f0f0ec", "78a0a8", "c8b898"),
    "pole": _hex("284838", "384858"),
    "mast": _hex("907050"),
    "leaves": _hex("70a830", "589038", "88a838"),
    "trunk": _hex("907860", "705c48"),
    "paint": _hex("e07828", "f0f0f0", "38a0a8", "702870", "b8c838", "204080"),
    "glass": _hex("405868", "506470"),
    "shirt": _hex("f09040", "40b0d8", "f0f0f0", "e05888", "70c058", "f0e060"),
    "trousers": _hex("c0b088", "386890", "d8d8d0", "505058"),
    "shoe": _hex("e0e0e0", "883828"),
    "hat": _hex("e8d8a0", "d03838", "305090"),
    "bag": _hex("d8b048", "488858"),
    "umbrella": _hex("e0a030", "60a0c0"),
}

# A winter's day: salt on the road, plaster and stone, brown plants, dark clothes with some bright.
_WINTER: dict[str, tuple[Colour, ...]] = {
    "road": _hex("5c5c60", "6c6a68", "54565c", "747270"),
    "walk": _hex("7c7a7a", "8c8680", "6c6c70"),
    "paving": _hex("787470", "88827c", "746c6c"),
    "grass": _hex("70684c", "646044", "5c5440"),
    "facade": _hex("a48c6c", "8c8078", "74645c", "b0a490", "646874", "94685c", "7c8078"),
    "roof": _hex("44444c", "5c4c48", "4c5450"),
    "wall": _hex("84807c", "706058", "5c6468", "94887c"),
    "fence": _hex("343c44", "5c5450", "48504c", "747478"),
    "pole": _hex("40484c", "606468", "343434"),
    "mast": _hex("4c4440"),
    "leaves": _hex("54483c", "645444", "3c4434", "4c5040", "5c5848"),
    "trunk": _hex("403834", "504840", "34302c"),
    "paint": _hex("303438", "747880", "a8a8a4", "4c2c2c", "2c3c54", "8c8468", "dcdcd8"),
    "glass": _hex("24282c", "303840"),
    "shirt": _hex("242830", "3c3430", "4c5868", "74302c", "606048", "8c6c3c", "2c4c50"),
    "trousers": _hex("20242c", "3c3c40", "343028", "4c505c"),
    "shoe": _hex("241c18", "443428"),
    "hat": _hex("7c2c2c", "303848", "8c8880"),
    "bag": _hex("6c3034", "38404c", "847454"),
    "umbrella": _hex("24242c", "50343c"),
}

PALETTES = {
    "plain": _PLAIN,
    "plain-pale": _PALE,
    "daylight": _DAYLIGHT,
    "dusk-rain": _DUSK,
    "plain-brick": _BRICK,
    "winter-sun": _WINTER,
}
PALETTES = {name: _COMMON | special for name, special in PALETTES.items()}
SURFACES = tuple(sorted(PALETTES["plain"]))
JITTER = 0.12  # relative, for each channel together and apart


def paint(scene: Scene, appearance: str, rng: np.random.Generator) -> np.ndarray:
    """A colour for each part, (P, 3) float64 in [0, 1]: one draw for each object and surface."""
    palette = PALETTES[appearance]
    pairs: dict[tuple[int, str], int] = {}
    which = [
        pairs.setdefault(pair, len(pairs))
        for pair in zip(scene.owner.tolist(), scene.surfaces, strict=True)
    ]
    draws = rng.random((len(pairs), 5))
    anchors = np.empty((len(pairs), 3))
    for row, (_, surface) in enumerate(pairs):
        choice = palette[surface]
        anchors[row] = choice[int(draws[row, 0] * len(choice))]
    together = 1.0 + JITTER * (2.0 * draws[:, 1:2] - 1.0)
    apart = 1.0 + 0.5 * JITTER * (2.0 * draws[:, 2:5] - 1.0)
    return np.clip(anchors * together * apart, 0.0, 1.0)[which]
