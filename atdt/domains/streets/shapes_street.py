"""What stands still in a street: houses, walls, fences, lamps, signs and traffic lights; and trams.

These are the same for all domains (the knob "shapes" is about people, cars and plants); their
sizes come from the layout. Each faces +z or runs along z.
"""

import numpy as np

from atdt.domains.streets.classes import BUILDING, FENCE, POLE, SIGN, VEHICLE, WALL
from atdt.domains.streets.mesh import Assembly, Prefab


def house(depth: float, height: float, length: float, pick: float) -> Prefab:
    """A house `length` metres along z and `depth` across; `pick` in [0, 1) chooses the roof."""
    body = Assembly(BUILDING)
    body.box("facade", (depth, height, length), (0, height / 2, 0))
    if pick < 0.5:
        rise = 0.25 * depth + 2.0 * pick
        eaves, ridge = depth / 2 + 0.3, height + rise
        outline = [(-eaves, height - 0.05), (eaves, height - 0.05), (0.0, ridge)]
        gable = Assembly(BUILDING)
        gable.extrude("roof", outline, length + 0.4)
        x, y, z = gable.done().vertices.T  # extruded along x, wanted along z
        body.add(np.stack([z, y, x], axis=1), gable.done().faces, "roof")
        if pick < 0.3:
            body.box("facade", (0.6, 1.2, 0.6), (depth * 0.2, ridge - 0.2, length * (pick - 0.15)))
    else:
        body.box("roof", (depth + 0.4, 0.35, length + 0.3), (0, height + 0.17, 0))
        if pick > 0.8:
            body.box("facade", (depth * 0.4, 1.8, length * 0.3), (0, height + 1.0, 0))
    return body.done()


def wall(height: float, length: float) -> Prefab:
    """A solid wall with a coping."""
    body = Assembly(WALL)
    body.box("wall", (0.35, height, length), (0, height / 2, 0))
    body.box("wall", (0.5, 0.12, length + 0.1), (0, height + 0.06, 0))
    return body.done()


def fence(height: float, length: float, pick: float) -> Prefab:
    """Posts with rails, with pickets, or with boards that nearly close it."""
    body = Assembly(FENCE)
    for z in np.linspace(-length / 2, length / 2, max(2, round(length / 2.2) + 1)):
        body.box("fence", (0.14, height + 0.1, 0.14), (0, (height + 0.1) / 2, z))
    if pick < 0.35:
        for share in (0.2, 0.45, 0.7, 0.93):
            body.box("fence", (0.06, 0.17 * height, length), (0, share * height, 0))
        return body.done()
    for share in (0.25, 0.85):
        body.box("fence", (0.05, 0.1, length), (0, share * height, 0))
    pitch = 0.34 if pick < 0.7 else 0.28
    broad = 0.2 if pick < 0.7 else 0.25
    for z in np.arange(-length / 2 + pitch, length / 2, pitch):
        body.box("fence", (0.04, height * 0.92, broad), (0.04, height * 0.5, z))
    return body.done()


def lamp(height: float) -> Prefab:
    """A street lamp whose arm reaches towards +z."""
    body = Assembly(POLE)
    body.limb("pole", (0, 0, 0), (0, 0.9, 0), 0.22, 0.2, 8)
    body.limb("pole", (0, 0.9, 0), (0, height, 0), 0.17, 0.13, 8)
    body.limb("pole", (0, height - 0.05, 0), (0, height + 0.3, 1.5), 0.1, sections=6)
    body.box("lamp", (0.36, 0.18, 0.85), (0, height + 0.28, 1.6))
    return body.done()


def mast(height: float) -> Prefab:
    """A wooden mast with a crossbar, for wires that are not drawn."""
    body = Assembly(POLE)
    body.limb("mast", (0, 0, 0), (0, height, 0), 0.21, 0.16, 8)
    body.box("mast", (2.0, 0.2, 0.2), (0, height - 0.6, 0))
    return body.done()


def bollards(length: float) -> Prefab:
    """Short posts along z."""
    body = Assembly(POLE)
    for z in np.arange(-length / 2, length / 2 + 0.1, 1.6):
        body.limb("pole", (0, 0, z), (0, 1.05, z), 0.12, sections=6)
    return body.done()


def sign(pick: float) -> Prefab:
    """A plate on a post: disc, triangle, diamond, or board; front and back are both 'sign'."""
    body = Assembly(POLE)
    top = 2.5 + 0.6 * pick
    body.limb("pole", (0, 0, 0), (0, top + 0.35, 0), 0.08, sections=6)
    body.label = SIGN
    kind = int(pick * 5)
    front = 0.095
    size = 0.55
    if kind == 0:
        body.limb("red", (0, top, front), (0, top, front + 0.03), size, sections=12)
        body.limb("white", (0, top, front + 0.03), (0, top, front + 0.04), 0.7 * size, sections=12)
    elif kind == 1:
        body.limb("red", (0, top, front), (0, top, front + 0.03), size * 1.15, sections=3)
        body.limb("white", (0, top, front + 0.03), (0, top, front + 0.04), 0.65 * size, sections=3)
    elif kind == 2:
        body.limb("yellow", (0, top, front), (0, top, front + 0.03), size * 1.2, sections=4)
    elif kind == 3:
        body.limb("blue", (0, top, front), (0, top, front + 0.03), size, sections=12)
        body.box("white", (0.22, 0.56, 0.02), (0, top, front + 0.03))
    else:
        body.box("blue", (1.05, 1.05, 0.04), (0, top, front))
        body.box("white", (0.5, 0.65, 0.02), (0, top, front + 0.03))
    return body.done()


def board(pick: float) -> Prefab:
    """A wide direction sign on two posts."""
    body = Assembly(POLE)
    wide = 2.2 + pick
    for side in (-1, 1):
        body.limb("pole", (side * wide * 0.4, 0, 0), (side * wide * 0.4, 3.6, 0), 0.1, sections=6)
    body.label = SIGN
    colour = "blue" if pick < 0.5 else "green"
    body.box(colour, (wide, 1.6, 0.06), (0, 2.8, 0.12))
    body.box("white", (wide * 0.7, 0.16, 0.02), (0, 3.05, 0.16))
    body.box("white", (wide * 0.5, 0.16, 0.02), (-0.1 * wide, 2.6, 0.16))
    return body.done()


def traffic_light(lit: int) -> Prefab:
    """A head with three lamps on a pole; `lit` (0 red, 1 amber, 2 green) is the one that is on."""
    body = Assembly(POLE)
    body.limb("pole", (0, 0, 0), (0, 3.6, 0), 0.13, sections=8)
    body.label = SIGN
    body.box("lightbox", (0.6, 1.4, 0.32), (0, 3.1, 0.24))
    for place, colour in enumerate(("light_red", "light_amber", "light_green")):
        at = (0, 3.52 - 0.42 * place, 0.4)
        surface = colour if place == lit else "light_off"
        body.limb(surface, at, (0, at[1], 0.43), 0.17, sections=8)
    return body.done()


def catenary(height: float) -> Prefab:
    """A mast between two tracks with an arm over each, for the wires of a tramway."""
    body = Assembly(POLE)
    body.limb("pole", (0, 0, 0), (0, height, 0), 0.15, 0.11, 8)
    for side in (-1, 1):
        body.limb("pole", (0, height - 0.5, 0), (side * 1.9, height - 0.3, 0), 0.06, sections=4)
        body.limb("pole", (0, height, 0), (side * 1.9, height - 0.3, 0), 0.04, sections=4)
    return body.done()


def tram(length: float, pick: float) -> Prefab:
    """Two or three cars with a band of windows, joined by bellows; it drives towards +z."""
    body = Assembly(VEHICLE)
    count = 2 if pick < 0.5 else 3
    piece = length / count
    for number in range(count):
        middle = (number + 0.5) * piece - length / 2
        body.box("paint", (2.4, 1.25, piece - 0.7), (0, 0.95, middle))
        body.box("glass", (2.36, 1.05, piece - 0.75), (0, 2.1, middle))
        body.box("paint", (2.4, 0.5, piece - 0.7), (0, 2.87, middle))
        for place in np.arange(-piece / 2 + 0.5, piece / 2 - 0.3, 1.5):
            body.box("paint", (2.42, 1.1, 0.22), (0, 2.1, middle + place))
        body.box("cargo", (1.6, 0.3, piece * 0.5), (0, 3.25, middle))
        body.box("tyre", (1.9, 0.3, piece * 0.6), (0, 0.2, middle))
    for number in range(1, count):
        body.box("tyre", (2.1, 2.3, 0.75), (0, 1.7, number * piece - length / 2))
    for end, light in ((1, "headlight"), (-1, "taillight")):
        z = end * (length / 2 - 0.3)
        body.box("glass", (2.1, 1.15, 0.12), (0, 2.15, z))
        for side in (-1, 1):
            body.box(light, (0.34, 0.2, 0.14), (side * 0.8, 0.85, z))
    return body.done()
