"""USDZ packages for AR Quick Look: written from a Document, and checked."""

from asset_pipeline.models.usdz.check_usdz import check_usdz
from asset_pipeline.models.usdz.write_usdz import write_usdz

__all__ = ["check_usdz", "write_usdz"]
