"""Light, sky, air and sensor: what an appearance does to a picture beside its colours."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.textures import noise


@dataclass(frozen=True)
class Weather:
    """The light and air of one frame; colours are (3,) and multiply albedo.

    Attributes:
        sun: (3,) unit vector towards the sun; sun_light its colour; shadows: is it blocked?
        sky_light, ground_light: light from above and from below.
        zenith, horizon: colours of the sky; clouds: their share.
        haze: per metre; it takes the colour of the horizon.
        wet: how much flat ground mirrors; lamps: strength of street lamps; windows: share lit.
        gains, gamma, vignette, noise: the sensor; noise is a standard deviation in [0, 1].
        snow: share of open ground that it covers; glare: strength of the glow around the sun.
        streaks: rain drops on the way, for each 1000 pixels.
        textured: are surfaces patterned?
    """

    sun: np.ndarray
    sun_light: np.ndarray
    shadows: bool
    sky_light: np.ndarray
    ground_light: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    clouds: float = 0.0
    haze: float = 0.0
    wet: float = 0.0
    lamps: float = 0.0
    windows: float = 0.0
    snow: float = 0.0
    glare: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    vignette: float = 0.0
    noise: float = 0.0
    streaks: float = 0.0
    textured: bool = False


def _sun(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    elevation, turn = np.deg2rad(rng.uniform(low, high)), rng.uniform(0.0, 2.0 * np.pi)
    flat = np.cos(elevation)
    return np.array([flat * np.sin(turn), np.sin(elevation), flat * np.cos(turn)])


def _plain(rng: np.random.Generator) -> Weather:
    grey = np.ones(3)
    return Weather(
        sun=_sun(rng, 45.0, 60.0), sun_light=0.4 * grey, shadows=False, sky_light=0.72 * grey,
        ground_light=0.55 * grey, zenith=np.array([0.48, 0.68, 0.92]),
        horizon=np.array([0.72, 0.84, 0.95]),
    )  # fmt: skip


def _plain_pale(rng: np.random.Generator) -> Weather:
    grey = np.ones(3)
    return Weather(
        sun=_sun(rng, 30.0, 50.0), sun_light=0.3 * grey, shadows=False, sky_light=0.78 * grey,
        ground_light=0.6 * grey, zenith=np.array([0.70, 0.76, 0.84]),
        horizon=np.array([0.86, 0.87, 0.88]),
    )  # fmt: skip


def _daylight(rng: np.random.Generator) -> Weather:
    clear = rng.uniform(0.25, 1.0)  # 1: hard sun, 0: overcast
    warm = np.array([1.05, 0.95, 0.8])
    bright = rng.uniform(1.0, 1.55)
    blue, grey = np.array([0.30, 0.45, 0.72]), np.array([0.62, 0.64, 0.66])
    zenith = clear * blue + (1 - clear) * grey
    cast = rng.uniform(-1.0, 1.0)
    return Weather(
        sun=_sun(rng, 18.0, 50.0), sun_light=1.25 * clear * bright * warm, shadows=True,
        sky_light=bright * (0.85 - 0.25 * clear) * np.array([0.9, 0.98, 1.12]),
        ground_light=bright * 0.45 * np.array([1.0, 0.96, 0.9]), zenith=zenith,
        horizon=0.45 * zenith + 0.55 * np.array([0.86, 0.84, 0.80]), clouds=rng.uniform(0.0, 0.8),
        haze=rng.uniform(0.002, 0.011),
        gains=(1.06 + 0.10 * cast, 1.0, 0.88 - 0.10 * cast), gamma=rng.uniform(0.85, 1.1),
        vignette=rng.uniform(0.1, 0.35), noise=rng.uniform(0.008, 0.025), textured=True,
    )  # fmt: skip


def _dusk_rain(rng: np.random.Generator) -> Weather:
    bright = rng.uniform(0.75, 1.2)
    zenith = np.array([0.20, 0.23, 0.33]) * bright
    glow = np.array([0.46, 0.38, 0.38]) * bright
    return Weather(
        sun=_sun(rng, 4.0, 10.0), sun_light=0.12 * bright * np.array([1.0, 0.7, 0.5]),
        shadows=True, sky_light=0.95 * bright * np.array([0.88, 0.96, 1.15]),
        ground_light=0.4 * bright * np.ones(3), zenith=zenith, horizon=glow,
        clouds=rng.uniform(0.4, 1.0), haze=rng.uniform(0.004, 0.014), wet=rng.uniform(0.3, 0.7),
        lamps=rng.uniform(0.5, 1.0), windows=rng.uniform(0.25, 0.6), gains=(1.0, 0.98, 1.08),
        gamma=rng.uniform(0.7, 0.85), vignette=rng.uniform(0.2, 0.4),
        noise=rng.uniform(0.015, 0.03), streaks=rng.uniform(1.0, 4.0), textured=True,
    )  # fmt: skip


def _plain_brick(rng: np.random.Generator) -> Weather:
    grey = np.ones(3)
    return Weather(
        sun=_sun(rng, 55.0, 70.0), sun_light=0.35 * grey, shadows=False, sky_light=0.7 * grey,
        ground_light=0.62 * grey, zenith=np.array([0.32, 0.56, 0.84]),
        horizon=np.array([0.92, 0.88, 0.78]),
    )  # fmt: skip


def _winter_sun(rng: np.random.Generator) -> Weather:
    clear, bright = rng.uniform(0.45, 1.0), rng.uniform(0.95, 1.35)
    gold, cold = np.array([1.2, 0.92, 0.62]), np.array([0.80, 0.94, 1.22])
    zenith = bright * (clear * np.array([0.30, 0.46, 0.72]) + (1 - clear) * np.array([0.56] * 3))
    return Weather(
        sun=_sun(rng, 7.0, 17.0), sun_light=1.5 * clear * bright * gold, shadows=True,
        sky_light=0.72 * bright * cold, ground_light=0.42 * bright * np.array([0.94, 0.98, 1.08]),
        zenith=zenith, horizon=bright * np.array([0.80, 0.72, 0.64]), clouds=rng.uniform(0.1, 0.6),
        haze=rng.uniform(0.003, 0.012), snow=rng.uniform(0.4, 0.9),
        glare=rng.uniform(0.15, 0.5) * clear, gains=(1.0, 0.99, rng.uniform(0.98, 1.1)),
        gamma=rng.uniform(0.9, 1.15), vignette=rng.uniform(0.15, 0.4),
        noise=rng.uniform(0.008, 0.022), textured=True,
    )  # fmt: skip


WEATHERS = {
    "plain": _plain,
    "plain-pale": _plain_pale,
    "daylight": _daylight,
    "dusk-rain": _dusk_rain,
    "plain-brick": _plain_brick,
    "winter-sun": _winter_sun,
}


def draw_weather(appearance: str, rng: np.random.Generator) -> Weather:
    """The weather of one frame of an appearance."""
    return WEATHERS[appearance](rng)


def sky(weather: Weather, directions: np.ndarray) -> np.ndarray:
    """Colours (N, 3) of the sky along world directions (N, 3)."""
    x, y, z = directions.T
    up = np.clip(y / np.sqrt(x * x + y * y + z * z), 0.0, 1.0)
    share = np.sqrt(up)[:, None]
    colour = (1 - share) * weather.horizon + share * weather.zenith
    if weather.clouds:
        height = np.maximum(up, 0.04)
        cover = noise(x / z / height * 0.3 + 5.0, 1.0 / height, 9.0)
        cover = np.clip(cover + weather.clouds - 0.5, 0.0, 0.6)[:, None] * share
        white = 0.6 * weather.horizon + 0.4 * weather.horizon.max()
        colour = colour * (1 - cover) + white * 1.08 * cover
    if weather.glare:
        sun_x, sun_y, sun_z = weather.sun
        towards = (x * sun_x + y * sun_y + z * sun_z) / np.sqrt(x * x + y * y + z * z)
        glow = weather.glare * np.maximum(towards, 0.0)[:, None] ** 8
        colour = colour + glow * np.array([1.0, 0.85, 0.6])
    return colour


def expose(weather: Weather, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the sensor makes of a picture (H, W, 3) of light: uint8 (H, W, 3)."""
    height, width, _ = colour.shape
    if weather.streaks:
        colour = _rain(weather, colour, rng)
    if weather.vignette:
        y = (np.arange(height) + 0.5) / height - 0.5
        x = (np.arange(width) + 0.5) / width - 0.5
        colour = colour * (1.0 - 2.0 * weather.vignette * (y[:, None] ** 2 + x**2))[..., None]
    colour = np.clip(colour * np.asarray(weather.gains), 0.0, 1.0)
    if weather.gamma != 1.0:
        colour = colour**weather.gamma
    if weather.noise:
        grains = rng.standard_normal((height, width, 3))
        colour = colour + weather.noise * (0.5 + np.sqrt(colour)) * grains
    return np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8)


def _rain(weather: Weather, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width, _ = colour.shape
    colour = colour.copy()
    for _ in range(int(weather.streaks * height * width / 1000.0)):
        length = int(rng.integers(height // 24 + 1, height // 8 + 2))
        row, column = int(rng.integers(0, height)), int(rng.integers(0, width))
        share = rng.uniform(0.08, 0.3)
        rows = slice(row, min(row + length, height))
        colour[rows, column] = (1 - share) * colour[rows, column] + share * 0.75
    return colour
