"""The sky over the bay at one hour: colour of the air, sun, clouds and haze, all as linear light."""

from dataclasses import dataclass

import numpy as np

from content_api.demo.field import FloatArray, fbm2, mix, noise2, smoothstep
from content_api.demo.view import Rays

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sky:
    """One hour's light. Colours are linear; the haze is what the distance dissolves into."""

    sun_heading_rad: float
    sun_up_rad: float
    zenith: Colour
    horizon: Colour
    glow: Colour
    sunlight: Colour  # on a surface facing the sun
    ambient: Colour  # from the whole sky on a level surface
    haze_per_km: Colour
    cloud_cover: float = 0.0
    seed: int = 0

    @property
    def sun(self) -> tuple[float, float, float]:
        """Unit direction towards the sun."""
        level = np.cos(self.sun_up_rad)
        return (
            float(level * np.sin(self.sun_heading_rad)),
            float(np.sin(self.sun_up_rad)),
            float(-level * np.cos(self.sun_heading_rad)),
        )

    def clear_air(self, rays: Rays) -> FloatArray:
        """Sky light without clouds, (…, 3)."""
        x, y, z = rays
        near_sun = 0.5 + 0.5 * (
            x * np.float32(self.sun[0]) + y * np.float32(self.sun[1]) + z * np.float32(self.sun[2])
        )
        up = np.clip(y, 0.0, 1.0)
        low = np.exp(up * np.float32(-3.4))
        veil = np.exp(up * np.float32(-11.0))
        wide, mid = near_sun**6, near_sun**40
        core, disc = near_sun**420, smoothstep(0.999988, 0.999996, near_sun)
        channels = []
        for c in range(3):
            air = mix(np.float32(self.zenith[c]), np.float32(self.horizon[c]), low)
            air += np.float32(self.glow[c]) * (
                wide * (0.10 + 0.34 * veil + 0.14 * low)
                + 0.26 * mid
                + 0.55 * core
                + 14.0 * disc * (1.0 - veil)
            )
            channels.append(air)
        return np.stack(channels, axis=-1)

    def haze(self, rays: Rays) -> FloatArray:
        """What a far island fades into: the air just over the horizon in that direction."""
        x, _, z = rays
        level = 1.0 / np.maximum(np.sqrt(x * x + z * z), 1e-3)
        flat = np.full_like(x, 0.02)
        return self.clear_air((x * level, flat, z * level)) * np.float32(0.97)

    def with_clouds(self, rays: Rays) -> FloatArray:
        """Sky light with broken morning clouds, thinning into the haze over the horizon."""
        x, y, z = rays
        air = self.clear_air(rays)
        up = np.clip(y, 0.0, 1.0)
        reach = 1.0 / (up + 0.11)
        px, pz = x * reach, z * reach
        near_sun = 0.5 + 0.5 * (
            x * np.float32(self.sun[0]) + y * np.float32(self.sun[1]) + z * np.float32(self.sun[2])
        )
        toward = np.float32(0.16) * reach / (1.0 + reach)
        heap = self._heap(px, pz)
        lit = self._heap(px + toward * np.float32(self.sun[0]), pz + toward * np.float32(self.sun[2]))
        cover = smoothstep(0.15 - self.cloud_cover, 1.35 - self.cloud_cover, heap)
        thick = smoothstep(0.55 - self.cloud_cover, 2.3 - self.cloud_cover, heap)
        facing = 0.68 + 0.50 * np.tanh(heap - lit) - 0.34 * thick + 0.16 * np.tanh(heap - 1.2)
        edge = 0.55 + 1.9 * near_sun**14 * (1.0 - 0.6 * thick)
        veil = smoothstep(0.015, 0.16, up)
        wisp = fbm2(
            px * 0.34 + 0.5 * noise2(px * 0.2, pz * 0.2, self.seed + 40),
            pz * 1.15,
            5,
            self.seed + 41,
            gain=0.6,
        )
        cirrus = smoothstep(0.2, 2.4, wisp) * 0.42 * veil * (1.0 - cover)
        cover = cover * veil * 0.92
        for c in range(3):
            sunny = np.float32(self.sunlight[c]) * np.float32(0.30) * facing * edge
            grey = np.float32(0.42 * self.ambient[c] + 0.34 * self.horizon[c])
            body = grey * (0.80 + 0.25 * facing) + sunny
            air[..., c] = mix(air[..., c], body, cover)
            air[..., c] = mix(
                air[..., c],
                np.float32(self.horizon[c] * 0.5 + 0.23 * self.sunlight[c]) * (0.8 + near_sun**8),
                cirrus,
            )
        return air

    def _heap(self, px: FloatArray, pz: FloatArray) -> FloatArray:
        """Thickness of cloud at a place of the cloud level: fields of small heaps, clear sky between."""
        wx = px + 0.10 * noise2(px * 1.1, pz * 1.1, self.seed + 1)
        wz = pz + 0.10 * noise2(px * 1.1, pz * 1.1, self.seed + 2)
        field = noise2(px * 0.24 + 0.3, pz * 0.30, self.seed + 5)
        return 0.85 * field + 0.85 * fbm2(wx * 0.75, wz * 0.95, 6, self.seed + 3, gain=0.60)


# Soft early light: the sun some 14 degrees up in the east, thin cloud, jade water, a lot of haze.
MORNING = Sky(
    sun_heading_rad=float(np.radians(38.0)),
    sun_up_rad=float(np.radians(15.0)),
    zenith=(0.135, 0.285, 0.52),
    horizon=(0.60, 0.67, 0.70),
    glow=(1.0, 0.69, 0.37),
    sunlight=(2.5, 1.96, 1.32),
    ambient=(0.52, 0.60, 0.67),
    haze_per_km=(0.20, 0.235, 0.285),
    cloud_cover=0.12,
    seed=11,
)

# Golden hour: the sun low in the west, warm haze, long light on the cliffs.
GOLDEN_HOUR = Sky(
    sun_heading_rad=float(np.radians(-101.0)),
    sun_up_rad=float(np.radians(10.0)),
    zenith=(0.15, 0.25, 0.42),
    horizon=(0.76, 0.57, 0.42),
    glow=(1.15, 0.60, 0.24),
    sunlight=(3.5, 1.95, 0.88),
    ambient=(0.46, 0.45, 0.50),
    haze_per_km=(0.15, 0.175, 0.21),
    cloud_cover=0.18,
    seed=29,
)
