"""Cars, from six generators; each gives a `Prefab` whose bonnet points to +z."""

import numpy as np

from atdt.domains.streets.classes import VEHICLE
from atdt.domains.streets.mesh import Assembly, Prefab


def _wheels(car: Assembly, width: float, axles: tuple[float, ...], radius: float,
            sections: int) -> None:  # fmt: skip
    for z in axles:
        for side in (-1, 1):
            outer, inner = side * (width / 2 + 0.02), side * (width / 2 - 0.2)
            car.limb("tyre", (inner, radius, z), (outer, radius, z), radius, sections=sections)
            rim = side * (width / 2 + 0.035)
            car.limb("rim", (outer, radius, z), (rim, radius, z), 0.55 * radius, sections=6)


def _lights(car: Assembly, width: float, length: float, height: float) -> None:
    for side in (-1, 1):
        x = side * (width / 2 - 0.22)
        car.box("headlight", (0.3, 0.14, 0.06), (x, height, length / 2 + 0.01))
        car.box("taillight", (0.26, 0.16, 0.06), (x, height + 0.04, -length / 2 - 0.01))
    for end in (-1, 1):
        plate = (0, height - 0.22, end * (length / 2 + 0.012))
        car.box("plate", (0.5, 0.12, 0.05), plate)


def jointed(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Boxes: a long body, a cabin of glass, a flat roof on four pillars."""
    car = Assembly(VEHICLE, coarse)
    width, length = rng.uniform(1.7, 1.9), rng.uniform(3.9, 4.7)
    waist, roof = rng.uniform(0.88, 0.98), rng.uniform(1.38, 1.52)
    car.box("paint", (width, waist - 0.3, length), (0, (waist + 0.3) / 2, 0))
    cabin = rng.uniform(0.5, 0.62) * length
    back = rng.uniform(-0.12, -0.04) * length
    glass = Assembly(VEHICLE, coarse)
    glass.frustum("glass", (width - 0.08, cabin), (width - 0.4, cabin * 0.7), waist, roof)
    vertices = glass.done().vertices + np.array([0.0, 0.0, back])
    car.add(vertices, glass.done().faces, "glass")
    car.box("paint", (width - 0.36, 0.06, cabin * 0.72), (0, roof + 0.02, back))
    for side in (-1, 1):
        for end in (-1, 1):
            foot = (side * (width / 2 - 0.05), waist, back + end * cabin / 2)
            head = (side * (width / 2 - 0.2), roof, back + end * cabin * 0.35)
            car.limb("paint", foot, head, 0.05, sections=4)
        car.limb("paint", (side * (width / 2 - 0.04), waist, back),
                 (side * (width / 2 - 0.2), roof, back), 0.05, sections=4)  # fmt: skip
    _wheels(car, width, (0.31 * length, -0.31 * length), 0.32, 10)
    _lights(car, width, length, 0.68)
    return car.done()


def walking(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Side outlines drawn out: saloons, hatchbacks, estates and vans with sloping screens."""
    car = Assembly(VEHICLE, coarse)
    kind = rng.choice(["saloon", "hatch", "estate", "van"], p=[0.3, 0.3, 0.2, 0.2])
    width = rng.uniform(1.72, 1.88)
    if kind == "van":
        width, length, waist, roof = 1.95, rng.uniform(4.9, 5.6), 1.15, rng.uniform(2.0, 2.4)
        front, rear, screen, slope = 0.46, -0.49, 0.12, 0.01
        nose = 0.95
    else:
        length = {"saloon": 4.6, "hatch": 3.9, "estate": 4.7}[kind] * rng.uniform(0.96, 1.05)
        waist, roof = rng.uniform(0.9, 0.98), rng.uniform(1.42, 1.58)
        front, screen, nose = 0.2, 0.17, 0.78
        rear, slope = {"saloon": (-0.36, 0.14), "hatch": (-0.47, 0.1), "estate": (-0.49, 0.03)}[
            kind
        ]
    end = length / 2
    car.extrude(
        "paint",
        [(-end, 0.4), (-end + 0.25, 0.24), (end - 0.3, 0.24), (end, 0.36), (end - 0.05, 0.62),
         (end - 0.25, nose), (front * length, waist), (rear * length, waist + 0.03),
         (-end + 0.02, waist - 0.04)],
        width,
    )  # fmt: skip
    top = [(front - screen, roof - 0.05), (front - screen - 0.08, roof),
           (rear + slope + 0.06, roof), (rear + slope, roof - 0.07)]  # fmt: skip
    cabin = [(front, waist), *top, (rear, waist + 0.02)]
    car.extrude("glass", [(z * length, y) for z, y in cabin], width - 0.1, width - 0.45)
    band = width - 0.36
    middle = (front - screen + rear + slope) / 2 * length
    car.box("paint", (band, 0.07, (front - screen - rear - slope) * length), (0, roof, middle))
    pillars = (0.0, 0.5, 1.0)
    for side in (-1, 1):
        for share in pillars:
            low = (front + (rear - front) * share) * length
            high = (front - screen + (rear + slope - front + screen) * share) * length
            car.limb("paint", (side * (width / 2 - 0.04), waist, low),
                     (side * (width / 2 - 0.2), roof, high), 0.06, sections=4)  # fmt: skip
        car.box(
            "paint",
            (0.16, 0.13, 0.1),
            (side * (width / 2 + 0.08), waist + 0.06, front * length * 0.8),
        )
    if kind == "van":
        back = [(0.12, waist), (0.12, roof - 0.02), (rear + slope, roof - 0.02), (rear, waist)]
        car.extrude("paint", [(z * length, y) for z, y in back], width - 0.06, width - 0.38)
    _wheels(car, width, (0.32 * length, -0.3 * length), 0.31 if kind != "van" else 0.36, 12)
    _lights(car, width, length, 0.66)
    return car.done()


def coated(rng: np.random.Generator, coarse: bool) -> Prefab:
    """High and square: off-roaders, pick-ups and box trucks."""
    car = Assembly(VEHICLE, coarse)
    kind = rng.choice(["offroad", "pickup", "truck"], p=[0.5, 0.38, 0.12])
    width = rng.uniform(1.85, 2.0)
    if kind == "truck":
        length = rng.uniform(5.6, 6.8)
        car.box("paint", (width, 0.75, 1.7), (0, 0.9, length / 2 - 0.85))
        cab = Assembly(VEHICLE, coarse)
        cab.frustum("glass", (width - 0.02, 1.66), (width - 0.2, 1.1), 1.27, 2.1, -0.2)
        car.add(
            cab.done().vertices + np.array([0, 0, length / 2 - 0.85]), cab.done().faces, "glass"
        )
        car.box("paint", (width - 0.1, 0.1, 1.2), (0, 2.12, length / 2 - 1.05))
        height = rng.uniform(2.5, 2.9)
        car.box(
            "cargo", (width + 0.15, height - 0.85, length - 1.9), (0, (height + 0.85) / 2, -0.9)
        )
        car.box("tyre", (width - 0.3, 0.25, length - 0.4), (0, 0.68, 0))
        axles, radius = (0.36 * length, -0.3 * length), 0.42
    else:
        length = rng.uniform(4.5, 5.3)
        car.box("paint", (width, 0.66, length), (0, 0.78, 0))
        roof = rng.uniform(1.75, 1.9)
        long = 0.66 * length if kind == "offroad" else 0.34 * length
        back = -0.16 * length if kind == "offroad" else 0.06 * length
        car.box("glass", (width - 0.1, roof - 1.1, long), (0, (roof + 1.1) / 2, back))
        car.box("paint", (width - 0.06, 0.1, long + 0.06), (0, roof + 0.03, back))
        for side in (-1, 1):
            for share in (-0.5, 0.0, 0.5):
                post = (side * (width / 2 - 0.06), (roof + 1.1) / 2, back + share * long)
                car.box("paint", (0.1, roof - 1.1, 0.12), post)
        if kind == "pickup":
            car.box("tyre", (width - 0.3, 0.06, 0.3 * length), (0, 1.12, -0.32 * length))
        axles, radius = (0.31 * length, -0.32 * length), 0.39
    _wheels(car, width, axles, radius, 10)
    _lights(car, width, length, 0.82)
    return car.done()


def umbrella(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Round: small city cars and bubble taxis, arcs for outlines, some with a sign on the roof."""
    car = Assembly(VEHICLE, coarse)
    width, length = rng.uniform(1.6, 1.8), rng.uniform(3.3, 4.4)
    waist, roof = rng.uniform(0.86, 0.96), rng.uniform(1.44, 1.62)
    angles = np.linspace(0.0, np.pi, 9)
    bulge = rng.uniform(0.5, 0.8)
    arc = [(np.cos(a) * length / 2, 0.42 + (waist - 0.42) * np.sin(a) ** bulge) for a in angles]
    car.extrude("paint", [(-length / 2 + 0.2, 0.22), (length / 2 - 0.2, 0.22), *arc], width)
    centre, half = rng.uniform(-0.08, 0.0) * length, rng.uniform(0.3, 0.38) * length
    dome = [
        (centre + np.cos(a) * half, waist - 0.06 + (roof - waist + 0.06) * np.sin(a) ** 0.7)
        for a in angles
    ]
    car.extrude("glass", dome, width - 0.08, width - 0.4)
    cap = [(z * 0.7 + centre * 0.3, y + 0.03) for z, y in dome if y > roof - 0.14]
    car.extrude("paint", [*cap, (cap[-1][0], roof - 0.1), (cap[0][0], roof - 0.1)], width - 0.3)
    for side in (-1, 1):
        car.limb("paint", (side * (width / 2 - 0.04), waist - 0.05, centre),
                 (side * (width / 2 - 0.2), roof, centre), 0.06, sections=4)  # fmt: skip
    if rng.random() < 0.35:
        car.box("headlight", (0.5, 0.18, 0.2), (0, roof + 0.12, centre))
    _wheels(car, width, (0.31 * length, -0.31 * length), 0.3, 12)
    _lights(car, width, length, 0.6)
    return car.done()


def summer(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Wedges: one-box people carriers, open roadsters, and campers with a bed above the cab."""
    car = Assembly(VEHICLE, coarse)
    kind = rng.choice(["carrier", "roadster", "camper"], p=[0.56, 0.26, 0.18])
    width, nose = rng.uniform(1.72, 1.9), 0.62
    if kind == "carrier":
        length, waist, roof = rng.uniform(3.9, 4.6), rng.uniform(1.0, 1.1), rng.uniform(1.6, 1.78)
    elif kind == "roadster":
        length, waist, roof = rng.uniform(3.7, 4.2), rng.uniform(0.82, 0.9), 1.34
    else:
        width, length, waist, roof, nose = 2.0, rng.uniform(5.4, 6.4), 1.2, 2.0, 1.0
    end = length / 2
    hull = [
        (-end, 0.34),
        (end - 0.1, 0.25),
        (end, 0.45),
        (end - 0.08, nose),
        (0.18 * length, waist),
    ]
    hull.append((-end + 0.05, waist))
    car.extrude("paint", hull, width)
    if kind == "roadster":
        screen = 0.16 * length
        car.extrude("glass", [(screen, waist - 0.05), (screen - 0.5, roof), (screen - 0.42, roof),
                              (screen + 0.12, waist - 0.05)], width - 0.3)  # fmt: skip
        for side in (-1, 1):
            car.box("tyre", (0.44, 0.5, 0.16), (side * 0.38, waist + 0.12, -0.12 * length), -0.2)
        car.box("tyre", (width - 0.3, 0.1, 0.9), (0, waist + 0.02, -0.05 * length))
    else:
        front, back = 0.3 * length, -end + 0.08
        tail = 0.22 * length if kind == "camper" else -end + 0.3
        cabin = [(front, waist - 0.12), (0.06 * length, roof), (tail if kind == "carrier" else 0.0,
                 roof), (back if kind == "carrier" else 0.0, waist - 0.02)]  # fmt: skip
        car.extrude("glass", cabin, width - 0.06, width - 0.4)
    if kind == "carrier":
        car.box("paint", (width - 0.34, 0.07, 0.42 * length), (0, roof + 0.02, -0.17 * length))
        for side in (-1, 1):
            for low, high in ((0.3, 0.06), (0.06, 0.0), (-0.2, -0.2), (-0.47, -0.42)):
                car.limb(
                    "paint",
                    (side * (width / 2 - 0.02), waist - 0.04, low * length),
                    (side * (width / 2 - 0.18), roof, high * length),
                    0.06,
                    sections=4,
                )
    elif kind == "camper":
        car.box("cargo", (width + 0.1, 1.75, 0.6 * length), (0, 1.65, -0.19 * length))
        car.box("cargo", (width + 0.08, 0.6, 1.2), (0, 2.28, 0.2 * length))
        for side in (-1, 1):
            car.box("glass", (0.06, 0.5, 0.9), (side * (width / 2 + 0.06), 1.8, -0.2 * length))
            car.box("paint", (0.05, 0.16, 0.58 * length), (side * (width / 2 + 0.06), 1.2,
                                                           -0.19 * length))  # fmt: skip
    _wheels(car, width, (0.33 * length, -0.32 * length), 0.33, 10)
    _lights(car, width, length, 0.58)
    return car.done()


def winter(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Tall and heavy: crossovers with rails and boxes on the roof, taxis, and small buses."""
    car = Assembly(VEHICLE, coarse)
    kind = rng.choice(["crossover", "taxi", "bus"], p=[0.56, 0.28, 0.16])
    if kind == "bus":
        return _small_bus(car, rng)
    width, length = rng.uniform(1.8, 1.95), rng.uniform(4.3, 4.8)
    high = kind == "crossover"
    belly, waist = (0.42, rng.uniform(1.08, 1.16)) if high else (0.26, rng.uniform(0.94, 1.0))
    roof = waist + rng.uniform(0.5, 0.6)
    end = length / 2
    car.extrude("tyre", [(-end, belly), (end, belly), (end - 0.05, belly + 0.26),
                         (-end + 0.05, belly + 0.26)], width + 0.06)  # fmt: skip
    car.extrude("paint", [(-end + 0.02, belly + 0.2), (end - 0.02, belly + 0.2),
                          (end - 0.1, waist - 0.16), (end - 0.4, waist - 0.06),
                          (0.2 * length, waist), (-end + 0.06, waist)], width)  # fmt: skip
    rear = -end + (0.22 if high else 0.75)
    top = (0.02 * length, rear + (0.3 if high else 0.5))
    car.extrude("glass", [(0.22 * length, waist - 0.02), (top[0], roof), (top[1], roof),
                          (rear - 0.1, waist - 0.02)], width - 0.08, width - 0.36)  # fmt: skip
    middle, long = sum(top) / 2, top[0] - top[1]
    car.box("paint", (width - 0.32, 0.08, long), (0, roof + 0.01, middle))
    for side in (-1, 1):
        for low, up in ((0.21 * length, top[0]), (middle, middle), (rear, top[1])):
            car.limb("paint", (side * (width / 2 - 0.03), waist, low),
                     (side * (width / 2 - 0.17), roof, up), 0.07, sections=4)  # fmt: skip
        if high:
            car.limb("rim", (side * 0.6, roof + 0.12, top[0] - 0.1),
                     (side * 0.6, roof + 0.12, top[1]), 0.035, sections=4)  # fmt: skip
    if high and rng.random() < 0.4:
        car.box("cargo", (0.8, 0.32, 1.7), (0, roof + 0.24, middle))
    elif not high:
        car.box("headlight", (0.7, 0.2, 0.22), (0, roof + 0.14, middle))
    _wheels(car, width, (0.31 * length, -0.3 * length), 0.38 if high else 0.32, 12)
    _lights(car, width, length, belly + 0.42)
    return car.done()


def _small_bus(car: Assembly, rng: np.random.Generator) -> Prefab:
    width, length, roof = 2.15, rng.uniform(5.9, 6.8), rng.uniform(2.6, 2.85)
    end = length / 2
    car.extrude("paint", [(-end, 0.35), (end - 0.05, 0.35), (end, 1.3), (-end, 1.3)], width)
    car.extrude("glass", [(-end + 0.03, 1.3), (end, 1.3), (end - 0.4, roof - 0.3),
                          (-end + 0.05, roof - 0.3)], width - 0.04)  # fmt: skip
    car.extrude("paint", [(-end, roof - 0.34), (end - 0.35, roof - 0.34), (end - 0.6, roof),
                          (-end + 0.1, roof)], width)  # fmt: skip
    for z in np.linspace(-end + 0.12, end - 0.5, 5):
        car.box("paint", (width + 0.01, roof - 1.5, 0.16), (0, (roof + 1.0) / 2, z))
    car.box("lightbox", (1.4, 0.28, 0.1), (0, roof - 0.16, end - 0.36))
    _wheels(car, width, (0.3 * length, -0.28 * length), 0.42, 12)
    _lights(car, width, length, 0.75)
    return car.done()


CARS = {
    "jointed": jointed,
    "walking": walking,
    "coated": coated,
    "umbrella": umbrella,
    "summer": summer,
    "winter": winter,
}
